import test from 'ava'
import { EndReason } from '#services/schema/generated/frame_batch_pb.ts'
import { drawn, linearReplay } from '#test/helpers/alis-player.ts'
import { busyFrames } from '#test/helpers/busy-session.ts'
import { shown } from '#test/helpers/recorded-session.ts'
import { until } from '#test/helpers/until.ts'
import { runningSession, startLivePlace, watchAt } from './live-place.ts'

const limit = { limitMs: 30_000 }
const rowOf = ({ seen }: ReturnType<typeof watchAt>, row = 0): string =>
  seen.terminal()?.memory.rowText(row).trimEnd() ?? ''

type Place = Awaited<ReturnType<typeof startLivePlace>>
let place: Place
let strict: Place
const undo: (() => unknown)[] = []
test.before(async () => {
  const later = { teardown: (run: () => unknown) => undo.push(run) }
  place = await startLivePlace(later)
  strict = await startLivePlace(later, { access: { reason: 'required', secondPerson: [{ users: ['root'] }] } })
})
test.after.always(async () => {
  for (const run of undo.reverse()) await run()
})

test('who joins a running session sees its screen as it is, then what comes, then how it ended', async (t) => {
  const session = await runningSession(place)
  const frames = busyFrames(7, 30)
  for (let at = 0; at < frames.length; at += 20) await session.show(...frames.slice(at, at + 20))
  const batches = 1 + Math.ceil(frames.length / 20)
  const isDerived = async () => (await place.backends.views.liveState(session.id))?.nextSeq === batches
  await until(isDerived, { ...limit, what: 'its screen in the views' })
  const early = await place.watch(session.id)
  await until(() => early.seen.resets.length === 1, limit)
  t.deepEqual(drawn(early.seen.terminal()), drawn(linearReplay(frames)))
  await session.show(shown('\x1b[m\x1b[r\x1b[?6l\x1b[4l\x1b(B\x1b[2J\x1b[Hone'))
  await until(() => rowOf(early) === 'one', limit)
  const late = await place.watch(session.id, '', 'carol')
  await until(() => rowOf(late) === 'one', limit)
  await session.show(shown(' two'))
  await session.put(session.end(EndReason.EXIT, { exitCode: 4 }))
  for (const watching of [early, late]) {
    await until(() => watching.state.code > 0, limit)
    t.like(watching.state, { code: 1000, reason: 'the session has ended' })
    t.like(watching.seen, { exit: 4, isOver: true })
    t.is(rowOf(watching), 'one two')
  }
  const all = [...frames, shown('\x1b[m\x1b[r\x1b[?6l\x1b[4l\x1b(B\x1b[2J\x1b[Hone two')]
  t.deepEqual(drawn(early.seen.terminal()), drawn(linearReplay(all)))
})

test('a session that has ended says so, and one that is none is not found', async (t) => {
  const id = await place.record()
  const ended = await place.watch(id)
  await until(() => ended.state.code > 0, limit)
  t.like(ended.state, { code: 4004, reason: 'this session has ended' })
  const none = await place.watch('0199aaaa-0000-7000-8000-000000000000')
  await until(() => none.state.code !== 0, limit)
  t.is(none.state.status, 404)
})

test('who has no right to it, gives no reason, or comes from another page is refused before anything is shown', async (t) => {
  const place = strict
  const session = await runningSession(place)
  const rooted = await runningSession(place, 'root')
  const refusals: [Promise<ReturnType<typeof watchAt>>, number, string][] = [
    [place.watch(session.id), 428, 'BTZ_REASON_REQUIRED'],
    [place.watch(session.id, '?reason=why', 'alice'), 403, 'BTZ_OWN_SESSION'],
    [place.watch(session.id, '?reason=why', 'kim', 'custodian'), 403, 'BTZ_FORBIDDEN'],
    [place.watch(rooted.id, '?reason=why'), 403, 'BTZ_APPROVAL_REQUIRED'],
    [place.watch(session.id, '?reason=why&afterUs=-1'), 400, 'BTZ_REQUEST_INVALID'],
  ]
  for (const [watching, status, code] of refusals) {
    const { state, seen } = await watching
    await until(() => state.code !== 0, limit)
    t.is(state.status, status)
    t.is(JSON.parse(state.problem).code, code)
    t.deepEqual(seen.resets, [])
  }
  const path = `${place.base}/api/sessions/${session.id}/live?reason=why`
  const authorization = `Bearer ${await place.secretOf('bob', 'analyst')}`
  const wrong = [
    watchAt(path, {}),
    watchAt(path, { authorization: 'Bearer btz_no' }),
    watchAt(path, { authorization, origin: 'https://elsewhere.example' }),
    watchAt(path, { authorization, origin: 'null' }),
    watchAt(path, { authorization }, ['raw']),
  ]
  for (const [index, status] of [401, 401, 403, 403, 400].entries()) {
    await until(() => wrong[index]!.state.code !== 0, limit)
    t.is(wrong[index]!.state.status, status, `${index}`)
  }
  const own = watchAt(path, { authorization, origin: place.base.replace('ws', 'http') })
  t.teardown(() => own.socket.terminate())
  await until(() => own.seen.resets.length === 1, limit)
})

test('watching ends when the token is revoked', async (t) => {
  const session = await runningSession(place)
  const watching = await place.watch(session.id, '', 'eve')
  await until(() => watching.seen.resets.length === 1, limit)
  const id = (await place.secretOf('eve', 'analyst')).split('_')[1]!
  t.is((await place.as('root')(`/api/tokens/${id}`, { method: 'DELETE' })).status, 204)
  await until(() => watching.state.code > 0, limit)
  t.like(watching.state, { code: 4001, reason: 'you are not signed in any more' })
})

test('watching is on record, as a leaf of the log, before anything is shown', async (t) => {
  const session = await runningSession(place)
  const watching = await place.watch(session.id, '?reason=INC-7')
  await until(() => watching.seen.resets.length === 1, limit)
  const partitions = Array.from({ length: place.backends.bus.partitions('session-events') }, (_, one) => one)
  const read = (partition: number) => place.backends.bus.read({ topic: 'session-events', partition }, 0, 1_000)
  const events = (await Promise.all(partitions.map(read)))
    .flat()
    .map(({ value }) => JSON.parse(`${Buffer.from(value)}`))
  const said = events.find(({ action, object }) => action === 'session.live' && object === session.id)
  t.like(said, { user: 'bob', object: session.id, reason: 'INC-7', outcome: 'success' })
  const leaves = await place.backends.bus.read({ topic: 'log-entries', partition: 0 }, 0, 1_000)
  t.true(leaves.some(({ key, value }) => key.includes(said.id) || `${Buffer.from(value)}`.includes(said.id)))
})

test('watching ends when the session is being erased', async (t) => {
  const session = await runningSession(place)
  await session.show(shown('secret'))
  const watching = await place.watch(session.id)
  await until(() => rowOf(watching) === 'secret', limit)
  await place.backends.catalog.markErasure(session.id, 'erasing')
  await until(() => watching.state.code > 0, limit)
  t.like(watching.state, { code: 4002, reason: 'what was recorded here was erased' })
})
