import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { create } from '@bufbuild/protobuf'
import test from 'ava'
import { leafRecord, readLeaf } from '#services/proofs/leaf.ts'
import { readEvents } from '#services/recordings/format/event-block.ts'
import { SignedHeadSchema } from '#services/schema/generated/frame_batch_pb.ts'
import { openIngestBackends } from '#test/helpers/ingest-backends.ts'
import { seededRandom } from '#test/helpers/seeded-random.ts'
import { createSessionBatches, textFrame } from '#test/helpers/session-batches.ts'
import { hexOf, storedEvidence } from '#test/helpers/stored-evidence.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'

const kills = 10
const child = fileURLToPath(new URL('../../helpers/recorder-child.ts', import.meta.url))

/** Sessions with different content, and one order in which their batches are sent. */
const makeSessions = (random: () => number) => {
  const sessions = Array.from({ length: 8 }, () => {
    const session = createSessionBatches()
    const batches = [session.first(textFrame(`session ${session.sessionId}`))]
    while (batches.length < 200) {
      const isLarge = random() < 0.15
      batches.push(session.next(textFrame(isLarge ? randomBytes(15_000).toString('hex') : `line ${batches.length}`)))
    }
    const head = create(SignedHeadSchema, { keyId: 'k', hash: new Uint8Array(32) })
    batches.push(session.end(), session.withFields({ head }))
    return { id: session.sessionId, batches }
  })
  const queues = sessions.map(({ batches }) => [...batches])
  const order: Uint8Array[] = []
  while (queues.some((queue) => queue.length > 0)) {
    const queue = queues[Math.floor(random() * queues.length)]!
    if (queue.length > 0) order.push(queue.shift()!)
  }
  return { sessions, order }
}

/** Runs the child from line `from` on; kills it `killAfterMs` after it began to send. @returns lines acknowledged */
const runChild = async (folder: string, file: string, from: number, killAfterMs: number | null) => {
  const process_: ChildProcess = spawn(process.execPath, [child, folder, file, String(from)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let acknowledged = from
  let timer: NodeJS.Timeout | undefined
  const lines = createInterface({ input: process_.stdout! }).on('line', (line) => {
    if (killAfterMs !== null) timer ??= setTimeout(() => process_.kill('SIGKILL'), killAfterMs)
    acknowledged = Math.max(acknowledged, Number(line))
  })
  const [[code]] = await Promise.all([once(process_, 'exit'), once(lines, 'close')])
  clearTimeout(timer)
  return { acknowledged, code }
}

test('killed -9 at random moments, every batch and event is evidence exactly once and in order', async (t) => {
  t.timeout(10 * 60_000)
  const seed = Number(process.env.FUZZ_SEED ?? Date.now() % 2 ** 31)
  t.log(`seed ${seed}`)
  const random = seededRandom(seed)
  const folder = await temporaryFolder(t)
  const { sessions, order } = makeSessions(random)
  const file = join(folder, 'batches.hex')
  await writeFile(file, `${hexOf(order).join('\n')}\n`)
  let from = 0
  let killed = 0
  for (let run = 0; run < kills; run++) {
    const { acknowledged, code } = await runChild(folder, file, from, 20 + random() * 330)
    from = acknowledged
    if (code === null) killed++
    else t.deepEqual({ code, from }, { code: 0, from: order.length }, 'it ended without being done')
  }
  t.log(`${killed} kills, ${from} of ${order.length} batches acknowledged before the last start`)
  t.true(killed >= 5)
  t.is((await runChild(folder, file, from, null)).code, 0)

  const backends = await openIngestBackends({ folder, partitions: 3 })
  t.teardown(backends.close)
  for (const { id, batches } of sessions) {
    const stored = await storedEvidence(backends, id)
    t.deepEqual(stored.batches, hexOf(batches))
    t.deepEqual(stored.manifests.at(-1)?.gaps, [])
    t.is(stored.manifests.at(-1)?.blocks.at(-1)?.lastSeq, batches.length - 1)
    t.is((await backends.catalog.blocks(id)).length, stored.blocks.length)
  }
  for (const partition of [0, 1, 2])
    t.deepEqual(await backends.bus.read({ topic: 'dead-letters', partition }, 0, 10), [])

  const said = await backends.bus.read({ topic: 'log-entries', partition: 0 }, 0, 100_000)
  const entries = said.map(({ value }) => readLeaf(value)!.entry.toString()).filter((text) => text.includes('"events"'))
  const blockLeaves: string[] = []
  const offsets = new Map<string, number[]>()
  for (const { key } of await backends.recordings.list('evidence/v1/events/', { limit: 100_000 })) {
    const place = key.split('/').slice(3, 6).join('/')
    const block = await backends.recordings.get(key)
    blockLeaves.push(Buffer.from(leafRecord('events', key, block).value).toString())
    for await (const { offset, value } of readEvents(block, (id) => backends.keys.get(id as `session:${string}`))) {
      t.truthy(value)
      offsets.set(place, [...(offsets.get(place) ?? []), offset])
    }
  }
  t.deepEqual(
    [...new Set(entries)].sort(),
    blockLeaves.sort(),
    'each block of events is in the log, and nothing else is',
  )
  const stored = [...offsets.values()].flat().length
  t.true(stored >= order.length)
  for (const [place, all] of offsets)
    t.deepEqual(
      all,
      all.map((_, index) => index),
      place,
    )
})
