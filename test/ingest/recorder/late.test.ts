import { create } from '@bufbuild/protobuf'
import test, { type ExecutionContext } from 'ava'
import { seal } from '#ingest/recorder/steps/seal.ts'
import { hasCode } from '#services/errors.ts'
import { readBatches } from '#services/recordings/format/block.ts'
import { parseSessionKey } from '#services/recordings/format/evidence-keys.ts'
import { decodeManifest } from '#services/recordings/format/manifest.ts'
import { SignedHeadSchema } from '#services/schema/generated/frame_batch_pb.ts'
import type { Finding } from '#services/verify/finding.ts'
import { verifyEvidence } from '#services/verify/verify-evidence.ts'
import { frameWorkers, recordsOf } from '#test/helpers/frame-worker.ts'
import { closeSharedCatalog } from '#test/helpers/ingest-backends.ts'
import { createSessionBatches, textFrame } from '#test/helpers/session-batches.ts'

test.after.always(closeSharedCatalog)

const dayMs = 86_400_000
type Workers = Awaited<ReturnType<typeof frameWorkers>>

/** A relay that was away: its session was closed provisionally, the rest of it comes three days later. */
const lateSession = async (t: ExecutionContext, before: (w: Workers, sessionId: string) => Promise<void>) => {
  const w = await frameWorkers(t)
  const session = createSessionBatches()
  const { sessionId, bastion } = session
  const worker = w.start()
  await worker.takeBatches(session.first(textFrame('early')), session.next(textFrame('early too')))
  await worker.drain()
  const [block] = await w.catalog.blocks(sessionId)
  const { prefix } = parseSessionKey(block!.key)!
  await seal(w.ctx, { sessionId, bastion, prefix, end: null, recorded: null }, true)
  worker.drop()
  await before(w, sessionId)
  w.clock.advance(3 * dayMs)
  const head = { head: create(SignedHeadSchema, { keyId: 'k', hash: new Uint8Array(32) }) }
  const late = [
    session.next(textFrame('zqlate1')),
    session.next(textFrame('zqlate2')),
    session.end(textFrame('logout')),
  ]
  const after = w.start()
  await after.takeBatches(...late, session.withFields(head))
  await after.drain()
  const last = decodeManifest(await w.recordings.get(`${prefix}manifest-0002`))
  const findings: Finding[] = []
  for await (const report of verifyEvidence({ ...w.recordings, locks: false }, { prefix }, null))
    if (report.type === 'finding') findings.push(report.finding)
  return { w, sessionId, prefix, last, findings, late, worker: after }
}

test('a relay three days late ends in manifest-0002, which verify accepts as extending the first', async (t) => {
  const { last, findings, w, sessionId } = await lateSession(t, async () => {})
  t.regex(last.previous?.key ?? '', /manifest-0001$/)
  t.like(last, { provisional: false, endReason: 'exit' })
  t.deepEqual(findings, [])
  const key = await w.keys.get(`session:${sessionId}`)
  const plain: Uint8Array[] = []
  for (const { key: name } of last.blocks) plain.push(...readBatches(await w.recordings.get(name), key))
  t.is(plain.length, 6)
})

test('of an erased session what comes late continues the chain, and nobody can ever read it', async (t) => {
  let destroyed: Uint8Array = new Uint8Array()
  const { last, findings, w, sessionId, late, worker } = await lateSession(t, async (place, id) => {
    destroyed = await place.keys.get(`session:${id}`)
    await place.keys.destroy(`session:${id}`, { reason: 'asked', actor: 'dpo', at: new Date(0) })
  })
  t.regex(last.previous?.key ?? '', /manifest-0001$/)
  t.deepEqual([last.blocks[0]?.firstSeq, last.blocks.at(-1)?.lastSeq], [0, 5])
  t.deepEqual(last.gaps, [])
  t.deepEqual(findings, [])
  const newest = await w.recordings.get(last.blocks.at(-1)!.key)
  const error = t.throws(() => [...readBatches(newest, destroyed)])
  t.true(hasCode(error, 'BTZ_EVIDENCE_CORRUPT'), 'not even with the key that was destroyed')
  await t.throwsAsync(w.keys.get(`session:${sessionId}`), { code: 'BTZ_KEY_DESTROYED' })
  await worker.takeBatches(...late)
  await worker.drain()
  worker.drop()
  const again = w.start()
  await again.takeBatches(...late)
  await again.drain()
  t.is((await w.recordings.list('evidence/', { limit: 100 })).filter(({ key }) => key.includes(sessionId)).length, 4)
  t.deepEqual(await recordsOf(w.bus, 'dead-letters'), [], 'what comes once more is no fork')
  t.is(w.committed.at(-1), 12)
})
