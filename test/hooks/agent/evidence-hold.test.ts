import test from 'ava'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { until } from '#test/helpers/until.ts'
import { configOf, endingOf, openCore, openingOf, output } from './core.ts'

test('with keep: evidence an acknowledged segment stays until every batch in it is evidence', async (t) => {
  const spool = { keep: 'evidence' as const, segmentBytes: 1500 }
  const core = await openCore(t, configOf(await temporaryFolder(t), { spool, batchMaxMs: 1 }))
  const session = await core.recorder.open(openingOf())
  for (let frame = 0; frame < 10; frame++) {
    session.frame(output('x'.repeat(300)))
    await until(() => session.pendingBytes === 0, { everyMs: 1 })
  }
  await session.end(endingOf())
  await until(() => core.recorder.openSessions.length === 0)
  core.spool.acknowledge(core.spool.durablePosition)
  const all = core.spool.usedBytes
  await core.spool.release()
  t.is(core.spool.usedBytes, all)
  const [awaited] = core.hold.awaited
  t.is(awaited!.sessionId, session.sessionId)
  const evidence = (durableSeq: number) =>
    [{ sessionId: session.sessionId, durableSeq }] as Parameters<typeof core.hold.learn>[0]
  core.hold.learn(evidence(awaited!.lastSeq - 1))
  await core.spool.release()
  t.is(core.spool.usedBytes, all)
  core.hold.learn(evidence(awaited!.lastSeq))
  await core.spool.release()
  t.true(core.spool.usedBytes < all)
  t.true(core.hold.awaited[0]!.lastSeq > awaited!.lastSeq)
})
