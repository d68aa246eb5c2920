import test, { type ExecutionContext } from 'ava'
import type { SessionRecorder } from '#hooks/hook.ts'
import { type Frame, Stream } from '#services/recordings/format/frame-batch.ts'
import { verifyHead } from '#services/recordings/format/signed-head.ts'
import { EndReason } from '#services/schema/generated/frame_batch_pb.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { until } from '#test/helpers/until.ts'
import { batchesOf, bytesOf, configOf, endingOf, eventsOf, openCore, openingOf, output, typed } from './core.ts'

const frames = Array.from({ length: 40 }, (_, index) => output(`frame ${index};`, BigInt(index + 1)))
const elapsedAfter = (count: number, of: readonly Frame[] = frames): bigint =>
  of.slice(0, count).reduce((sum, { delayNs }) => sum + delayNs, 0n)
const textOf = (of: readonly Frame[]): string => Buffer.concat(of.map(({ data }) => data)).toString()

/** An agent that goes without draining: nothing is ended, only what is durable stays. */
const cutOff = async (t: ExecutionContext, data: string, record: (session: SessionRecorder) => Promise<void>) => {
  const core = await openCore(t, configOf(data, { batchMaxMs: 5 }))
  const session = await core.recorder.open(openingOf())
  await record(session)
  await core.close()
  return session.logId
}
const committed = (session: SessionRecorder, elapsedNs: bigint): Promise<void> => {
  const { promise, resolve } = Promise.withResolvers<void>()
  session.onCommit((toldNs) => toldNs >= elapsedNs && resolve())
  return promise
}

const thirtyFrames = async (session: SessionRecorder): Promise<void> => {
  const durable = committed(session, elapsedAfter(30))
  for (const frame of frames.slice(0, 30)) session.frame(frame)
  await durable
}

for (const resumeAfter of [0, 10, 25, 30]) {
  test(`a source that comes back at frame ${resumeAfter} of 30 durable ones is recorded once`, async (t) => {
    const data = await temporaryFolder(t)
    const logId = await cutOff(t, data, thirtyFrames)
    const core = await openCore(t, configOf(data, { batchMaxMs: 5 }))
    const session = await core.recorder.resume(logId, elapsedAfter(resumeAfter))
    const commits: bigint[] = []
    session.onCommit((elapsedNs) => commits.push(elapsedNs))
    for (const frame of frames.slice(resumeAfter)) session.frame(frame)
    await session.end(endingOf())
    t.is(commits.at(-1), elapsedAfter(40))
    const batches = await batchesOf(core, logId)
    const all = batches.flatMap((batch) => batch.frames)
    t.is(bytesOf(all, Stream.TTYOUT).toString(), textOf(frames))
    t.is(batches.at(-1)!.endNs, elapsedAfter(40))
    t.deepEqual(
      batches.map(({ batchSeq }) => batchSeq),
      batches.map((_, index) => index),
    )
    const markers = all.filter(({ stream }) => stream === Stream.MARKER)
    t.is(markers.length, 1)
    t.regex(textOf(markers), /"resumed"/)
  })
}

test('a source that comes back while the agent still runs goes on in the same recording', async (t) => {
  const core = await openCore(t, configOf(await temporaryFolder(t), { batchMaxMs: 5 }))
  const first = await core.recorder.open(openingOf())
  for (const frame of frames.slice(0, 30)) first.frame(frame)
  const second = await core.recorder.resume(first.logId, elapsedAfter(12))
  for (const frame of frames.slice(12)) second.frame(frame)
  await second.end(endingOf())
  const all = (await batchesOf(core, first.logId)).flatMap((batch) => batch.frames)
  t.is(bytesOf(all, Stream.TTYOUT).toString(), textOf(frames))
})

test('what is sent again but differs ends the session and is not called safe', async (t) => {
  const data = await temporaryFolder(t)
  const logId = await cutOff(t, data, thirtyFrames)
  const core = await openCore(t, configOf(data))
  const session = await core.recorder.resume(logId, elapsedAfter(10))
  const aborts: string[] = []
  const commits: bigint[] = []
  session.onAbort((text) => aborts.push(text))
  session.onCommit((elapsedNs) => commits.push(elapsedNs))
  session.frame(frames[10]!)
  session.frame({ ...frames[11]!, data: Buffer.from('something else') })
  t.regex(aborts[0]!, /differs/)
  t.is(commits.at(-1), elapsedAfter(11))
  await session.end(endingOf({ reason: 'aborted' }))
  const all = (await batchesOf(core, logId)).flatMap((batch) => batch.frames)
  t.is(bytesOf(all, Stream.TTYOUT).toString(), textOf(frames.slice(0, 30)))
})

test('a long frame that was cut in the middle is completed, not repeated', async (t) => {
  const data = await temporaryFolder(t)
  const long = output(Buffer.alloc(600_000, 'abcdefghij'), 5n)
  const first = await openCore(t, configOf(data, { batchMaxMs: 5 }))
  const cut = await first.recorder.open(openingOf())
  cut.frame({ ...long, data: long.data.subarray(0, 300_000) })
  await until(
    async () =>
      bytesOf(
        (await batchesOf(first, cut.logId)).flatMap((batch) => batch.frames),
        Stream.TTYOUT,
      ).length === 300_000,
  )
  await first.close()
  const core = await openCore(t, configOf(data))
  const session = await core.recorder.resume(cut.logId, 0n)
  const commits: bigint[] = []
  session.onCommit((elapsedNs) => commits.push(elapsedNs))
  session.frame(long)
  session.frame(output('next', 1n))
  await session.end(endingOf())
  const all = (await batchesOf(core, cut.logId)).flatMap((batch) => batch.frames)
  t.true(bytesOf(all, Stream.TTYOUT).equals(Buffer.concat([long.data, Buffer.from('next')])))
  t.is(commits.at(-1), 6n)
  t.is(
    all.reduce((sum, { delayNs }) => sum + delayNs, 0n),
    6n,
  )
})

test('masked input is recognised by its length when it is sent again', async (t) => {
  const data = await temporaryFolder(t)
  const secret = typed('s3cret-s3cret\r', 10n)
  const logId = await cutOff(t, data, async (session) => {
    const durable = committed(session, 12n)
    session.frame(output('Password: ', 1n))
    session.frame(secret)
    session.frame(output('\r\n', 1n))
    await durable
  })
  const core = await openCore(t, configOf(data))
  const session = await core.recorder.resume(logId, 1n)
  session.frame(secret)
  session.frame(output('\r\n', 1n))
  session.frame(output('welcome', 1n))
  await session.end(endingOf())
  const all = (await batchesOf(core, logId)).flatMap((batch) => batch.frames)
  t.is(bytesOf(all, Stream.TTYOUT).toString(), 'Password: \r\nwelcome')
  t.is(
    all.reduce((sum, { masked }) => sum + (masked?.length ?? 0), 0),
    13,
  )
  t.false(Buffer.concat(all.map((frame) => frame.data)).includes('s3cret'))
})

test('commands that were reported are not reported again, new ones are', async (t) => {
  const data = await temporaryFolder(t)
  const exec = (word: string) => ({
    type: 'exec' as const,
    argv: [word],
    command: `/bin/${word}`,
    cwd: '/',
    runAs: 'alice',
  })
  const logId = await cutOff(t, data, async (session) => {
    const durable = committed(session, 3n)
    session.frame(output('a', 1n))
    session.marker(exec('ls'))
    session.frame(output('b', 1n))
    session.marker(exec('ps'))
    session.frame(output('c', 1n))
    await durable
  })
  const core = await openCore(t, configOf(data))
  const session = await core.recorder.resume(logId, 1n)
  session.marker(exec('ls'))
  session.frame(output('b', 1n))
  session.frame(output('c', 1n))
  session.marker(exec('id'))
  session.frame(output('d', 1n))
  await session.end(endingOf())
  await until(async () => (await eventsOf(core)).some(({ kind }) => kind === 'session_ended'))
  const commands = (await eventsOf(core)).filter(({ kind }) => kind === 'command')
  t.deepEqual(
    commands.map(({ line }) => line),
    ['ls', 'ps', 'id'],
  )
  const all = (await batchesOf(core, logId)).flatMap((batch) => batch.frames)
  t.is(bytesOf(all, Stream.TTYOUT).toString(), 'abcd')
  t.is(all.filter(({ stream, data }) => stream === Stream.MARKER && Buffer.from(data).includes('"exec"')).length, 3)
})

test('a resume point inside a frame, or behind what is recorded, or of no session, is refused with a reason', async (t) => {
  const data = await temporaryFolder(t)
  const logId = await cutOff(t, data, thirtyFrames)
  const core = await openCore(t, configOf(data))
  const refused = { code: 'BTZ_NOT_FOUND' }
  await t.throwsAsync(core.recorder.resume(logId, 2n), { ...refused, message: /inside a frame/ })
  await t.throwsAsync(core.recorder.resume(logId, elapsedAfter(31)), { ...refused, message: /later than/ })
  await t.throwsAsync(core.recorder.resume('019b0000-0000-7000-8000-000000000000', 0n), refused)
  const session = await core.recorder.resume(logId, elapsedAfter(30))
  await session.end(endingOf())
  await t.throwsAsync(core.recorder.resume(logId, elapsedAfter(30)), refused)
})

test('a resume point before what the spool still holds is refused', async (t) => {
  const data = await temporaryFolder(t)
  const logId = await cutOff(t, data, thirtyFrames)
  const core = await openCore(t, configOf(data, { batchMaxMs: 5 }))
  const session = await core.recorder.resume(logId, elapsedAfter(30))
  session.frame(frames[30]!)
  await committed(session, elapsedAfter(31))
  core.spool.acknowledge(core.spool.durablePosition)
  await core.spool.release()
  await t.throwsAsync(core.recorder.resume(logId, elapsedAfter(10)), {
    code: 'BTZ_NOT_FOUND',
    message: /go back that far/,
  })
  session.frame(frames[31]!)
  await session.end(endingOf())
  const all = (await batchesOf(core, logId)).flatMap((batch) => batch.frames)
  t.is(bytesOf(all, Stream.TTYOUT).toString(), textOf(frames.slice(30, 32)))
})

test('a session whose source does not come back ends as truncated, its chain goes on and is signed', async (t) => {
  const data = await temporaryFolder(t)
  const logId = await cutOff(t, data, thirtyFrames)
  const core = await openCore(t, configOf(data, {}, { resumeGraceMs: 50 }))
  t.deepEqual(
    core.recorder.openSessions.map(({ sessionId }) => sessionId),
    [logId],
  )
  await until(async () => (await eventsOf(core)).some(({ kind }) => kind === 'session_ended'))
  t.deepEqual(core.recorder.openSessions, [])
  const batches = await batchesOf(core, logId)
  const [end, seal] = [batches.at(-2)!, batches.at(-1)!]
  t.is(end.end!.reason, EndReason.TRUNCATED)
  t.is(Number(end.head!.seq), end.batchSeq - 1)
  for (const { head } of [end, seal]) t.true(verifyHead(core.identity.publicKey, logId, head!))
  const event = (await eventsOf(core)).at(-1)!
  t.like(event, {
    kind: 'session_ended',
    sessionId: logId,
    user: 'alice',
    outBytes: textOf(frames.slice(0, 30)).length,
  })
  await core.close()
  const after = await openCore(t, configOf(data, {}, { resumeGraceMs: 1 }))
  t.deepEqual(after.recorder.openSessions, [])
})

test('the state of open sessions outlives the segments they began in', async (t) => {
  const data = await temporaryFolder(t)
  const spool = { segmentBytes: 2000 }
  const first = await openCore(t, configOf(data, { batchMaxMs: 1, spool }))
  const session = await first.recorder.open(openingOf())
  for (const frame of frames) {
    const durable = committed(session, elapsedAfter(frames.indexOf(frame) + 1))
    session.frame(frame)
    await durable
  }
  const lastSeq = (await batchesOf(first, session.sessionId)).at(-1)!.batchSeq
  const lastEvent = (await eventsOf(first)).at(-1)!
  first.spool.acknowledge(first.spool.durablePosition)
  await first.spool.release()
  t.true((await batchesOf(first, session.sessionId))[0]!.batchSeq > 0)
  await first.close()
  const core = await openCore(t, configOf(data, {}, { resumeGraceMs: 1 }))
  await until(async () => (await eventsOf(core)).some(({ kind }) => kind === 'session_ended'))
  const end = (await batchesOf(core, session.sessionId)).find((batch) => batch.end)!
  t.is(end.batchSeq, lastSeq + 1)
  t.is(end.startNs, elapsedAfter(40))
  const event = (await eventsOf(core)).at(-1)!
  t.like(event, {
    kind: 'session_ended',
    user: 'alice',
    outBytes: textOf(frames).length,
    agentSeq: (lastEvent.agentSeq as number) + 1,
  })
})
