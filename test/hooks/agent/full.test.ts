import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { Stream } from '#services/recordings/format/frame-batch.ts'
import { canMount, smallDisk } from '#test/helpers/mounted-folder.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { until } from '#test/helpers/until.ts'
import { batchesOf, bytesOf, configOf, endingOf, openCore, openingOf, output } from './core.ts'

const smallCore = async (t: ExecutionContext, onFull: 'abort' | 'gap') => {
  const spool = { maxBytes: 4 * 1024 * 1024, onFull, fsyncMs: 1 }
  return openCore(t, configOf(await temporaryFolder(t), { spool, batchMaxMs: 5 }))
}
type Core = Awaited<ReturnType<typeof smallCore>>

/** Output that cannot be compressed, until the spool is full. */
const fill = async (core: Core, session: Awaited<ReturnType<Core['recorder']['open']>>): Promise<Buffer[]> => {
  const sent: Buffer[] = []
  while (core.spool.level !== 'full') {
    const data = randomBytes(100_000)
    sent.push(data)
    session.frame(output(data, 10n))
    await until(() => session.pendingBytes === 0, { everyMs: 1 })
  }
  return sent
}
const gapsIn = (frames: { stream: Stream; data: Uint8Array }[]) =>
  frames
    .filter(({ stream }) => stream === Stream.MARKER)
    .map(({ data }) => JSON.parse(Buffer.from(data).toString()) as { type: string; lostBytes: number })
    .filter(({ type }) => type === 'gap')

test('onFull gap: what does not fit is counted in a marker, times and the last commit point stay exact', async (t) => {
  const core = await smallCore(t, 'gap')
  core.spool.onLevel((level) => level !== 'full' && core.recorder.roomAgain())
  const session = await core.recorder.open(openingOf())
  const commits: bigint[] = []
  session.onCommit((elapsedNs) => commits.push(elapsedNs))
  const sent = await fill(core, session)
  session.frame(output('lost as well', 7n))
  core.spool.acknowledge(core.spool.durablePosition)
  const kept = (await batchesOf(core, session.sessionId)).flatMap(({ frames }) => frames)
  await core.spool.release()
  await until(() => commits.at(-1) === BigInt(sent.length) * 10n + 7n, { what: 'the gap to be recorded' })
  session.frame(output('recorded again', 1n))
  await session.end(endingOf())
  t.is(commits.at(-1), BigInt(sent.length) * 10n + 8n)
  const later = (await batchesOf(core, session.sessionId)).flatMap(({ frames }) => frames)
  const keptBytes = bytesOf(kept, Stream.TTYOUT).byteLength
  const [gap] = gapsIn(later)
  t.is(gap!.lostBytes, sent.length * 100_000 - keptBytes + 'lost as well'.length)
  t.true(bytesOf(later, Stream.TTYOUT).toString().endsWith('recorded again'))
})

test('onFull abort: what was lost is never called safe, and the end with its gap still finds room', async (t) => {
  const core = await smallCore(t, 'abort')
  core.spool.onLevel((level) => level === 'full' && core.recorder.abortAll('no room'))
  const session = await core.recorder.open(openingOf())
  const commits: bigint[] = []
  const aborts: string[] = []
  session.onCommit((elapsedNs) => commits.push(elapsedNs))
  session.onAbort((text) => aborts.push(text))
  const sent = await fill(core, session)
  t.deepEqual(aborts, ['no room'])
  await session.end(endingOf({ reason: 'aborted', detail: aborts[0]! }))
  const batches = await batchesOf(core, session.sessionId)
  const frames = batches.flatMap((batch) => batch.frames)
  const kept = bytesOf(frames, Stream.TTYOUT)
  t.true(kept.equals(Buffer.concat(sent).subarray(0, kept.byteLength)))
  t.true((commits.at(-1) ?? 0n) <= BigInt(kept.byteLength / 100_000) * 10n)
  t.is(gapsIn(frames)[0]!.lostBytes, sent.length * 100_000 - kept.byteLength)
  t.is(batches.at(-2)!.end!.detail, 'no room')
})

const diskTest = canMount ? test : test.skip

diskTest(
  'a full disk ends sessions with a text and a durable end; what was called safe is there after a restart',
  async (t) => {
    const disk = await smallDisk(t, 48 * 1024 * 1024)
    const config = configOf(join(disk, 'data'), { batchMaxMs: 5, spool: { fsyncMs: 1 } })
    const core = await openCore(t, config)
    core.spool.onLevel((level) => level === 'full' && core.recorder.abortAll('no room'))
    const session = await core.recorder.open(openingOf())
    const commits: bigint[] = [0n]
    const aborts: string[] = []
    session.onCommit((elapsedNs) => commits.push(elapsedNs))
    session.onAbort((text) => aborts.push(text))
    const sent: Buffer[] = []
    while (aborts.length === 0) {
      const data = randomBytes(500_000)
      sent.push(data)
      session.frame(output(data, 1n))
      await until(() => session.pendingBytes < 1024 * 1024, { everyMs: 1 })
    }
    await session.end(endingOf({ reason: 'aborted', detail: aborts[0]! }))
    await core.close()
    const again = await openCore(t, config)
    t.deepEqual(again.recorder.openSessions, [])
    const batches = await batchesOf(again, session.sessionId)
    const kept = bytesOf(
      batches.flatMap(({ frames }) => frames),
      Stream.TTYOUT,
    )
    t.true(kept.byteLength >= Number(commits.at(-1)) * 500_000)
    t.true(Buffer.concat(sent).subarray(0, kept.byteLength).equals(kept))
    t.is(batches.at(-2)!.end!.detail, 'no room')
  },
)

test('near the limit a new session is refused with a text for its user, open ones go on', async (t) => {
  const core = await smallCore(t, 'abort')
  const session = await core.recorder.open(openingOf())
  while (core.spool.level !== 'refusing') {
    session.frame(output(randomBytes(20_000)))
    await until(() => session.pendingBytes === 0, { everyMs: 1 })
  }
  const error = await t.throwsAsync(core.recorder.open(openingOf()), { code: 'BTZ_SPOOL_FULL' })
  t.regex(error!.message, /no room/)
  session.frame(output('goes on'))
  await session.end(endingOf())
  t.is(core.recorder.openSessions.length, 0)
})

test('a hook learns when the bytes that wait have been written', async (t) => {
  const core = await openCore(t, configOf(await temporaryFolder(t)))
  const session = await core.recorder.open(openingOf())
  let drained = 0
  session.onDrained(() => drained++)
  for (let mib = 0; mib < 6; mib++) session.frame(output(randomBytes(1024 * 1024)))
  t.is(session.pendingBytes, 6 * 1024 * 1024)
  await until(() => drained > 0)
  t.true(session.pendingBytes < 1024 * 1024)
  await session.end(endingOf())
  t.is(session.pendingBytes, 0)
})
