import test from 'ava'
import fc from 'fast-check'
import { connectionRows } from '#ingest/ledger/connection-rows.ts'
import type { ConnectionSession } from '#services/catalog/catalog.ts'
import { SessionId } from '#services/schema/ids.ts'
import { graceMs } from '#services/schema/ledger-deadlines.ts'
import type { SessionEvent } from '#services/schema/session-event.ts'
import { at, epochMs, newId } from '#test/contract/catalog-place.ts'
import { channel, connection, disconnect, login, recorded } from './sshd-events.ts'

const late = epochMs + 86_400_000
const rowsOf = (events: readonly SessionEvent[], clockMs = late, sessions: readonly ConnectionSession[] = []) =>
  connectionRows(connection, events, sessions, clockMs, graceMs)
const startsOf = (events: readonly SessionEvent[]) =>
  rowsOf(events).rows.map(({ state, startedAt }) => [state, startedAt])
const inCatalog = (seconds: number, more: Partial<ConnectionSession> = {}): ConnectionSession => ({
  id: newId(),
  bastion: connection.bastion,
  parentId: null,
  tty: null,
  startedAt: at(seconds),
  endedAt: null,
  recorded: true,
  ...more,
})

test('a login that opens no session and ends is a tunnel, with who it was and how long it took', (t) => {
  const { rows, dueAtMs } = rowsOf([login(0), disconnect(90, { reason: 'disconnected by user' })])
  t.is(dueAtMs, null)
  t.is(rows.length, 1)
  const [row] = rows
  t.true(SessionId.safeParse(row!.id).success)
  t.like(row, {
    ...connection,
    user: 'alice',
    sourceIp: '203.0.113.9',
    sourcePort: 52_022,
    hook: 'openssh',
    recorded: false,
    state: 'tunnel_only',
    startedAt: at(0),
    endedAt: at(90),
    durationMs: 90_000,
    endDetail: 'disconnected by user',
  })
})

test('a login without an end yet, and one whose session was recorded, are no rows', (t) => {
  t.deepEqual(rowsOf([login(0)]).rows, [])
  t.deepEqual(rowsOf([login(0), channel(1, 0), recorded(1.2, 's-1'), disconnect(9)]).rows, [])
  t.deepEqual(rowsOf([login(0), recorded(1.2, 's-1'), disconnect(9)]).rows, [])
})

test('a channel that no recorder saw waits 60 seconds of event time and is missing then', (t) => {
  const events = [login(0), channel(1, 0, { ttyName: 'pts/3' })]
  t.deepEqual(rowsOf(events, epochMs + 60_999), { rows: [], dueAtMs: epochMs + 61_000 })
  const { rows, dueAtMs } = rowsOf([...events, disconnect(200)], epochMs + 61_000)
  t.is(dueAtMs, null)
  t.like(rows[0], {
    state: 'missing',
    recorded: false,
    startedAt: at(1),
    endedAt: at(200),
    tty: '/dev/pts/3',
    argv: [],
  })
})

test('a tunnel waits 60 seconds after its end, for what may still say otherwise', (t) => {
  const events = [login(0), disconnect(90)]
  t.deepEqual(rowsOf(events, epochMs + 149_999), { rows: [], dueAtMs: epochMs + 150_000 })
  t.is(rowsOf(events, epochMs + 150_000).rows.length, 1)
})

test('a channel ends by its own end, or else with its connection', (t) => {
  const events = [login(0), channel(1, 0), channel(2, 1), disconnect(5, { channel: 0 }), disconnect(9)]
  t.deepEqual(
    rowsOf(events).rows.map(({ endedAt }) => endedAt),
    [at(5), at(9)],
  )
})

test('of many channels those are missing that no recording began with', (t) => {
  const events = [login(0), channel(1, 0), channel(100, 0), channel(200, 0), disconnect(300)]
  t.deepEqual(startsOf([...events, recorded(1.1, 'a'), recorded(200.1, 'c')]), [['missing', at(100)]])
  t.deepEqual(startsOf([...events, recorded(100.5, 'b')]), [
    ['missing', at(1)],
    ['missing', at(200)],
  ])
})

test('what time does not tell goes in order: the second of two recordings made late belongs to the second channel', (t) => {
  const events = [login(0), channel(1, 0), channel(2, 1), channel(3, 2), disconnect(900)]
  t.deepEqual(startsOf([...events, recorded(400, 'a'), recorded(500, 'b')]), [['missing', at(3)]])
})

test('a nested sudo is no stream of its own, whoever says whose child it is', (t) => {
  const events = [login(0), channel(1, 0), channel(100, 1), disconnect(300), recorded(1.1, 'a')]
  const child = newId()
  t.is(rowsOf([...events, recorded(100.1, child, { parentId: 'a' })]).rows.length, 1)
  t.is(rowsOf([...events, recorded(100.1, child)]).rows.length, 0)
  t.is(
    rowsOf([...events, recorded(100.1, child)], late, [inCatalog(100.1, { id: child, parentId: newId() })]).rows.length,
    1,
  )
})

test('a recording that no event tells of counts, and a row of ours does not', (t) => {
  const events = [login(0), channel(1, 0), disconnect(300)]
  t.is(rowsOf(events, late, [inCatalog(1.5)]).rows.length, 0)
  t.is(rowsOf(events, late, [inCatalog(1.5, { recorded: false })]).rows.length, 1)
})

test('a port that is used again is another visit', (t) => {
  const events = [login(0), channel(1, 0), recorded(1.1, 'a'), disconnect(50), login(7_200), disconnect(7_300)]
  t.deepEqual(startsOf(events), [['tunnel_only', at(7_200)]])
  t.deepEqual(startsOf([login(0), disconnect(50), login(7_200), channel(7_201, 0), recorded(7_201.1, 'b')]), [
    ['tunnel_only', at(0)],
  ])
})

test('a log with whole seconds has everything of a short visit at one time', (t) => {
  t.deepEqual(startsOf([disconnect(0), channel(0, 0), login(0), recorded(0.4, 'a')]), [])
  t.deepEqual(startsOf([disconnect(0), login(0)]), [['tunnel_only', at(0)]])
})

const seconds = fc.integer({ min: 0, max: 400 })
const anyEvents = fc.uniqueArray(
  fc.oneof(
    seconds.map((s) => login(s)),
    fc.tuple(seconds, fc.integer({ min: 0, max: 2 })).map(([s, n]) => channel(s, n)),
    fc
      .tuple(seconds, fc.option(fc.integer({ min: 0, max: 2 })))
      .map(([s, n]) => disconnect(s, { id: `disconnect-${s}-${n}`, channel: n })),
    fc.tuple(seconds, fc.boolean()).map(([s, nested]) => recorded(s + 0.3, `r-${s}`, nested ? { parentId: 'x' } : {})),
  ),
  { selector: ({ id }) => id, maxLength: 24 },
)

test('order and repetition of the events change nothing', (t) => {
  const shuffled = anyEvents.chain((events) =>
    fc.tuple(
      fc.constant(events),
      fc
        .tuple(fc.constant(events), fc.subarray(events))
        .chain(([all, twice]) => fc.shuffledSubarray([...all, ...twice], { minLength: all.length + twice.length })),
    ),
  )
  fc.assert(
    fc.property(shuffled, fc.integer({ min: 0, max: 600 }), ([events, arrived], clock) => {
      t.deepEqual(rowsOf(arrived, epochMs + clock * 1_000), rowsOf(events, epochMs + clock * 1_000))
    }),
    { numRuns: 300 },
  )
})

test('time makes rows and never takes one away; each row has an id of its own; a recording explains one channel', (t) => {
  fc.assert(
    fc.property(anyEvents, fc.integer({ min: 0, max: 600 }), (events, clock) => {
      const ids = (result: ReturnType<typeof rowsOf>) => result.rows.map(({ id }): string => id)
      const [now, then] = [ids(rowsOf(events, epochMs + clock * 1_000)), ids(rowsOf(events))]
      t.is(new Set(then).size, then.length)
      t.true(now.every((id) => then.includes(id)))
      const missing = rowsOf(events).rows.filter(({ state }) => state === 'missing').length
      const count = (wanted: boolean) =>
        events.filter((event) => event.kind === 'session_started' && event.recorded === wanted && !event.parentId)
          .length
      t.true(missing >= count(false) - count(true) && missing <= count(false))
      t.is(rowsOf(events).dueAtMs, null)
    }),
    { numRuns: 300 },
  )
})
