import { createHash } from 'node:crypto'
import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { bytesOf, exported, sessionsOf } from '#test/helpers/recorded.ts'
import { bartizan, startProduct, untilSealed } from '#test/helpers/running.ts'
import { seededRandom } from '#test/helpers/seeded-random.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { until } from '#test/helpers/until.ts'

const sha256 = (data: Buffer): string => createHash('sha256').update(data).digest('hex')
const frameCount = 1_200
const frameBytes = 16 * 1024

/** A ttyrec file of bytes that do not compress, and these bytes. */
const recording = (random: () => number): { file: Buffer; bytes: Buffer } => {
  const words = Uint32Array.from({ length: (frameCount * frameBytes) / 4 }, () => random() * 2 ** 32)
  const bytes = Buffer.from(words.buffer)
  const parts: Buffer[] = []
  for (let n = 0; n < frameCount; n++) {
    const head = Buffer.alloc(12)
    head.writeUInt32LE(1_795_000_000 + n, 0)
    head.writeUInt32LE(frameBytes, 8)
    parts.push(head, bytes.subarray(n * frameBytes, (n + 1) * frameBytes))
  }
  return { file: Buffer.concat(parts), bytes }
}

test('an import that is killed again and again, while it reads and while it sends, leaves one whole session', async (t) => {
  t.timeout(5 * 60_000)
  const seed = Number(process.env.TEST_SEED ?? Math.floor(Math.random() * 2 ** 31))
  t.log(`TEST_SEED=${seed}`)
  const [folder, product] = [await temporaryFolder(t), await startProduct(t)]
  const random = seededRandom(seed)
  const { file, bytes } = recording(random)
  const path = join(folder, 'long.ttyrec')
  await writeFile(path, file)
  const start = () =>
    bartizan(['import', '--format', 'ttyrec', '--user', 'alice', '--json', path], { BARTIZAN_DATA: product.data })
  const outbox = async (): Promise<string[]> => readdir(join(product.data, 'import')).catch(() => [])
  const ids = new Set<string>()

  for (const suffix of ['.part', '.staged', '.staged', '.staged']) {
    const run = start()
    let seen: string | undefined
    await until(
      async () => {
        seen = (await outbox()).find((name) => name.endsWith(suffix))
        return seen !== undefined || run.child.exitCode !== null
      },
      { limitMs: 30_000, everyMs: 2, what: suffix },
    )
    await new Promise((resolve) => setTimeout(resolve, random() * (suffix === '.part' ? 5 : 60)))
    run.child.kill('SIGKILL')
    await run.exited
    if (seen) ids.add(seen.slice(0, 36))
  }
  const last = start()
  t.is(await last.exited, 0, last.output())
  t.like(JSON.parse(last.output()), { files: 1, sessions: 1, rejected: [] })
  t.is(ids.size, 1)
  t.deepEqual(
    (await outbox()).filter((name) => /part|staged|refused/.test(name)),
    [],
  )

  await until(async () => (await sessionsOf(product, 'user=alice')).length > 0, { limitMs: 30_000 })
  const sessions = await sessionsOf(product, 'user=alice')
  t.deepEqual(
    sessions.map(({ id }) => id),
    [...ids],
  )
  await untilSealed(product, sessions[0]!.id)
  t.is((await sessionsOf(product, 'user=alice'))[0]?.state, 'complete')
  t.is(sha256(bytesOf(await exported(product, sessions[0]!.id), 'ttyout')), sha256(bytes))
  const events = (await product.api('/api/events?kind=session_started,session_ended&user=alice&limit=10')) as {
    items: { kind: string; sessionId: string }[]
  }
  t.deepEqual(events.items.map(({ kind }) => kind).sort(), ['session_ended', 'session_started'])
  const health = (await product.api('/api/events?kind=recorder_health&limit=100')) as { items: { status: string }[] }
  t.false(health.items.some(({ status }) => status === 'tampered'))
  t.is(await product.stop(), 0)
})
