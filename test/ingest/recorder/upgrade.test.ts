import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { create, fromBinary } from '@bufbuild/protobuf'
import test, { type ExecutionContext } from 'ava'
import { extendChain, readIntoChain, type SessionChain } from '#hooks/agent/session-chain.ts'
import type { KeyId } from '#services/keys/key-store.ts'
import { readStoredBatches } from '#services/recordings/format/block.ts'
import { decodeManifest } from '#services/recordings/format/manifest.ts'
import { BatchUploadSchema, EndReason, SessionEndSchema } from '#services/schema/generated/frame_batch_pb.ts'
import type { Checked, Finding } from '#services/verify/finding.ts'
import { verifyEvidence } from '#services/verify/verify-evidence.ts'
import { frameWorkers } from '#test/helpers/frame-worker.ts'
import { agentKeyOf, goldenEvidence, goldenFolder } from '#test/helpers/golden-evidence.ts'
import { createSessionBatches, textFrame } from '#test/helpers/session-batches.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { until } from '#test/helpers/until.ts'
import { sessionFrames } from '#viewer/playback/frames.ts'

/** A data folder as it was left when Bartizan of before v1 was stopped, and what its agent sent afterwards. */
const leftFolder = async (t: ExecutionContext<unknown>) => {
  const folder = await temporaryFolder(t)
  await promisify(execFile)('tar', ['xzf', join(goldenFolder, 'v0-open-session.tar.gz'), '-C', folder])
  const session: { sessionId: string; prefix: string } = JSON.parse(
    await readFile(join(folder, 'session.json'), 'utf8'),
  )
  const { batches } = fromBinary(BatchUploadSchema, await readFile(join(folder, 'rest.bin')))
  return { folder, ...session, batches }
}

const untilCommitted = (
  w: Awaited<ReturnType<typeof frameWorkers>>,
  worker: { tick(): Promise<void> },
  next: number,
) => {
  w.clock.advance(2_000)
  return until(async () => {
    await worker.tick()
    return w.committed.at(-1) === next
  })
}
const verified = async (w: Awaited<ReturnType<typeof frameWorkers>>, sessionId: string) => {
  const keys = {
    keyOf: async (keyId: string) => ({ key: await w.keys.get(keyId as KeyId) }),
    agentKeys: async () => goldenEvidence(0).agents,
  }
  const findings: Finding[] = []
  const checked: Checked[] = []
  for await (const report of verifyEvidence({ ...w.recordings, locks: false }, { sessionId }, keys)) {
    if (report.type === 'finding') findings.push(report.finding)
    else if (report.type === 'checked') checked.push(report.checked)
  }
  return { findings, checked }
}
const storedKeys = async (w: Awaited<ReturnType<typeof frameWorkers>>) =>
  (await w.recordings.list('', { limit: 100 })).map(({ key }) => key)

test('a session that began in v0 goes on, is sealed, replayed and verified in v0; a new one beside it is of v1', async (t) => {
  const { folder, sessionId, prefix, batches } = await leftFolder(t)
  const w = await frameWorkers(t, {}, folder)
  const worker = w.start()
  const young = createSessionBatches()
  await worker.takeBatches(...batches.slice(0, 1), young.first(textFrame('of today')), ...batches.slice(1), young.end())
  await untilCommitted(w, worker, batches.length + 2)

  const ofNew = `evidence/v1/2026-01-31/${young.sessionId}/`
  const names = ['000000000000', '000000000004', '000000000005', 'manifest-0001']
  t.deepEqual(await storedKeys(w), [
    ...names.map((name) => prefix + name),
    `${ofNew}000000000000`,
    `${ofNew}manifest-0001`,
  ])
  const manifestOf = async (at: string) => decodeManifest(await w.recordings.get(`${at}manifest-0001`))
  t.like(await manifestOf(prefix), { format: 0, endReason: 'exit', provisional: false, gaps: [] })
  t.like(await manifestOf(ofNew), { format: 1, endReason: 'exit' })

  const { findings, checked } = await verified(w, sessionId)
  t.deepEqual(findings, [])
  t.like(checked[0], { objects: 4, batches: 9, masked: 1 })

  const frames = await Array.fromAsync(sessionFrames(w, sessionId))
  const shown = Buffer.concat(frames.map(({ data }) => data)).toString('latin1')
  t.true(shown.startsWith('begun before the upgrade\r\nuu'))
  t.true(shown.endsWith(' and gone on with after it\r\n'))
  t.deepEqual(frames.at(-1)?.masked, { length: 8, rule: 'tty-no-echo' })
  t.is((await w.catalog.blocks(sessionId)).length, 3)
})

test('an agent that is upgraded within a session of v0 goes on with its chain, and recorders with its blocks', async (t) => {
  const { folder, sessionId, prefix, batches } = await leftFolder(t)
  const w = await frameWorkers(t, {}, folder)
  const key = await w.keys.get(`session:${sessionId}`)
  let chain: SessionChain | undefined
  for (const seq of ['000000000000', '000000000004'])
    for (const { finished } of readStoredBatches(await w.recordings.get(prefix + seq), key))
      chain = readIntoChain(chain, finished)
  chain = readIntoChain(chain, batches[0]!)
  const signing = { privateKey: agentKeyOf(goldenEvidence(0)), everyMs: 1_000 }
  const next = (...content: Parameters<typeof extendChain>[1][]) =>
    content.map((one) => extendChain(chain!, one, goldenEvidence(0).bastion, signing, w.clock.now()).body)
  const frames = [textFrame('written by the new agent')]
  const end = create(SessionEndSchema, { atMs: BigInt(w.clock.now()), reason: EndReason.EXIT, exitCode: 0 })

  const worker = w.start()
  await worker.takeBatches(batches[0]!)
  await worker.drain()
  const restarted = w.start()
  await restarted.takeBatches(...next({ frames }, { frames: [], end }, { frames: [] }))
  await untilCommitted(w, restarted, 4)
  const stored = await storedKeys(w)
  t.true(
    stored.every((each) => each.startsWith(prefix)),
    stored.join(),
  )
  const { findings, checked } = await verified(w, sessionId)
  t.deepEqual(findings, [])
  t.like(checked[0], { objects: 5, batches: 9 })
})
