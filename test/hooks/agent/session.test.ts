import { randomBytes } from 'node:crypto'
import test from 'ava'
import { batchHash, Stream } from '#services/recordings/format/frame-batch.ts'
import { verifyHead } from '#services/recordings/format/signed-head.ts'
import { EndReason } from '#services/schema/generated/frame_batch_pb.ts'
import { SessionEvent } from '#services/schema/session-event.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { until } from '#test/helpers/until.ts'
import { batchesOf, bytesOf, configOf, endingOf, eventsOf, openCore, openingOf, output, typed } from './core.ts'

test('the last commit point is the exact sum of all delays, and what it covers is in the spool', async (t) => {
  const core = await openCore(t, configOf(await temporaryFolder(t)))
  const session = await core.recorder.open(openingOf())
  const commits: bigint[] = []
  session.onCommit((elapsedNs) => commits.push(elapsedNs))
  session.frame(output('one', 1_000_000_007n))
  session.frame(output('two', 3n))
  await until(() => commits.at(-1) === 1_000_000_010n)
  session.frame(output('three', 5n))
  await session.end(endingOf())
  t.is(commits.at(-1), 1_000_000_015n)
  t.deepEqual(
    commits,
    [...commits].sort((a, b) => Number(a - b)),
  )
  const batches = await batchesOf(core, session.sessionId)
  t.is(
    bytesOf(
      batches.flatMap(({ frames }) => frames),
      Stream.TTYOUT,
    ).toString(),
    'onetwothree',
  )
  t.is(batches.find(({ end }) => end)!.endNs, 1_000_000_015n)
})

test('a session without any frame is told its end by a commit point of zero', async (t) => {
  const core = await openCore(t, configOf(await temporaryFolder(t)))
  const session = await core.recorder.open(openingOf())
  const commits: bigint[] = []
  session.onCommit((elapsedNs) => commits.push(elapsedNs))
  await session.end(endingOf())
  t.deepEqual(commits, [0n])
})

test('batch 0 holds the start without secrets, the last two the end and the signed head over it', async (t) => {
  const core = await openCore(t, configOf(await temporaryFolder(t)))
  const argv = ['/bin/bash', '-c', 'mysql --password=hunter2hunter2 db']
  const session = await core.recorder.open(openingOf({ argv, originalCommand: 'mysql --password=hunter2hunter2 db' }))
  session.frame(output('x'))
  await session.end(endingOf({ reason: 'exit', exitCode: 7 }))
  const batches = await batchesOf(core, session.sessionId)
  const [first, last, seal] = [batches[0]!, batches.at(-2)!, batches.at(-1)!]
  t.deepEqual(Object.keys(first.start!.env), ['LANG'])
  t.like(first.start, { user: 'alice', hook: 'sudo', rows: 24, cols: 80, target: 'host-1' })
  t.false(JSON.stringify([first.start!.argv, first.start!.originalCommand]).includes('hunter2'))
  t.like(last.end, { reason: EndReason.EXIT, exitCode: 7 })
  t.is(seal.frameCount, 0)
  t.is(Number(seal.head!.seq), last.batchSeq)
  t.true(verifyHead(core.identity.publicKey, session.sessionId, seal.head!))
  t.deepEqual(Buffer.from(seal.head!.hash), Buffer.from(batchHash(last.finished)))
})

test('the batches of a session form a chain without gaps, signed again after the interval', async (t) => {
  const core = await openCore(t, configOf(await temporaryFolder(t), { signHeadMs: 30, batchMaxMs: 10 }))
  const session = await core.recorder.open(openingOf())
  await until(async () => {
    session.frame(output('more'))
    return (await batchesOf(core, session.sessionId)).filter(({ head }) => head).length >= 2
  })
  await session.end(endingOf())
  const batches = await batchesOf(core, session.sessionId)
  for (const [index, batch] of batches.entries()) {
    t.is(batch.batchSeq, index)
    if (index === 0) continue
    const before = batches[index - 1]!
    t.deepEqual(Buffer.from(batch.prevHash), Buffer.from(batchHash(before.finished)))
    t.is(batch.startNs, before.endNs)
    if (!batch.head) continue
    t.is(Number(batch.head.seq), index - 1)
    t.deepEqual(Buffer.from(batch.head.hash), Buffer.from(before.finished && batchHash(before.finished)))
    t.true(verifyHead(core.identity.publicKey, session.sessionId, batch.head))
  }
})

test('a frame of 2 MiB is split over batches, with its delay on the first part and its commit point after the last', async (t) => {
  const core = await openCore(t, configOf(await temporaryFolder(t)))
  const session = await core.recorder.open(openingOf())
  const commits: bigint[] = []
  session.onCommit((elapsedNs) => commits.push(elapsedNs))
  const data = randomBytes(2 * 1024 * 1024)
  session.frame(output('before', 10n))
  session.frame(output(data, 5n))
  session.frame(output('after', 1n))
  await session.end(endingOf())
  t.deepEqual(new Set(commits), new Set(commits.filter((elapsedNs) => [10n, 15n, 16n].includes(elapsedNs))))
  t.is(commits.at(-1), 16n)
  const batches = await batchesOf(core, session.sessionId)
  const frames = batches.flatMap((batch) => batch.frames)
  t.true(bytesOf(frames, Stream.TTYOUT).equals(Buffer.concat([Buffer.from('before'), data, Buffer.from('after')])))
  t.true(batches.every(({ message }) => message.payloadSize <= 256 * 1024))
  t.deepEqual(
    frames.filter(({ delayNs }) => delayNs > 0n).map(({ delayNs }) => delayNs),
    [10n, 5n, 1n],
  )
})

test('no commit point passes a typed frame that is held, and none is missing at the end', async (t) => {
  const config = configOf(await temporaryFolder(t), { batchMaxMs: 5 })
  const core = await openCore(t, config)
  const session = await core.recorder.open(openingOf())
  const commits: bigint[] = []
  session.onCommit((elapsedNs) => commits.push(elapsedNs))
  session.frame(output('Password: ', 100n))
  session.frame(typed('s3cret-s3cret\r', 10n))
  session.frame(output('\r\n', 1n))
  await until(() => commits.includes(100n))
  const held = commits.at(-1)
  t.is(held, 100n)
  await session.end(endingOf())
  t.is(commits.at(-1), 111n)
  const frames = (await batchesOf(core, session.sessionId)).flatMap((batch) => batch.frames)
  t.false(Buffer.concat(frames.map(({ data }) => data)).includes('s3cret'))
  t.is(
    frames.reduce((sum, { masked }) => sum + (masked?.length ?? 0), 0),
    13,
  )
})

test('start, commands and end of a session are events, numbered and chained', async (t) => {
  const core = await openCore(t, configOf(await temporaryFolder(t)))
  const session = await core.recorder.open(openingOf())
  session.frame(output('$ ', 2_000_000_000n))
  session.marker({
    type: 'exec',
    argv: ['curl', '-u', 'bob:hunter2hunter2', 'http://x'],
    command: '/usr/bin/curl',
    cwd: '/',
    runAs: 'alice',
  })
  session.frame(output('done', 1_000_000_000n))
  await session.end(endingOf({ exitCode: 3, runTimeNs: 4_500_000_000n }))
  await until(async () => (await eventsOf(core)).length === 3)
  const events = await eventsOf(core)
  t.deepEqual(
    events.map(({ kind }) => kind),
    ['session_started', 'command', 'session_ended'],
  )
  t.deepEqual(
    events.map(({ agentSeq }) => agentSeq),
    [0, 1, 2],
  )
  for (const event of events) t.true(SessionEvent.safeParse(event).success)
  t.is(new Set(events.map(({ id }) => id)).size, 3)
  t.like(events[1], { via: 'exec', atMs: 2000, at: '2026-01-02T03:04:07.000Z', user: 'alice', sourceIp: '192.0.2.7' })
  t.false(JSON.stringify(events).includes('hunter2'))
  t.like(events[2], { exitCode: 3, durationMs: 4500, outBytes: 6, inBytes: 0, maxIdleMs: 3000, recorded: true })
})

test('a session that was handed over late ends when it ended, and never in the future', async (t) => {
  const core = await openCore(t, configOf(await temporaryFolder(t)))
  const startedAtMs = Date.now() - 3_600_000
  const endedAt = async (runTimeNs: bigint): Promise<string> => {
    const session = await core.recorder.open(openingOf({ startedAtMs }))
    await session.end(endingOf({ runTimeNs }))
    let ended: Record<string, unknown> | undefined
    await until(async () => {
      const events = await eventsOf(core)
      ended = events.find(({ kind, sessionId }) => kind === 'session_ended' && sessionId === session.sessionId)
      return ended !== undefined
    })
    return ended!.at as string
  }
  t.is(await endedAt(600_000_000_000n), new Date(startedAtMs + 600_000).toISOString())
  t.true(Date.parse(await endedAt(7_200_000_000_000n)) <= Date.now())
})
