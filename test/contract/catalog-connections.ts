import type { TestFn } from 'ava'
import type { SessionQuery } from '#services/catalog/catalog.ts'
import type { SessionEvent } from '#services/schema/session-event.ts'
import { wordsQuery } from '#services/search/words-query.ts'
import { at, ended, event, type MakeCatalogPlace, newId, opened, sessionRow, update } from './catalog-place.ts'

const connectionId = 'f'.repeat(32)
const joined = { connectionId, sourceIp: '203.0.113.9', sourcePort: 52_022 }

const login = (seconds: number, more: Record<string, unknown> = {}): SessionEvent =>
  event(seconds, { ...joined, method: 'publickey', keyFingerprint: `SHA256:key-${seconds}`, ...more })
const failure = (seconds: number, more: Record<string, unknown> = {}): SessionEvent =>
  event(seconds, { kind: 'login_failed', sourceIp: joined.sourceIp, outcome: 'failure', ...more })
const started = (seconds: number, more: Record<string, unknown> = {}): SessionEvent =>
  event(seconds, { ...joined, kind: 'session_started', protocol: 'ssh', tty: true, recorded: false, ...more })

const loginContract = (test: TestFn, make: MakeCatalogPlace): void => {
  test('a session knows the login of its connection, whichever comes first, and its key', async (t) => {
    const { catalog, place } = await opened(t, make)
    const [row, other] = [sessionRow(10, joined), sessionRow(11)]
    await catalog.indexFrames(update(row, [0, 1]))
    await catalog.indexFrames(update(other, [0, 1]))
    await place.settle()
    t.is((await catalog.session(row.id))?.login, null)
    const certificate = { certId: 'alice@corp serial 7', certSerial: '7', certCa: 'SHA256:ca' }
    await catalog.putEvents([login(9, certificate), login(9.5, { bastion: 'bastion-2' })])
    await place.settle()
    const expected = {
      at: at(9),
      method: 'publickey',
      keyFingerprint: 'SHA256:key-9',
      ...certificate,
      failuresBefore: 0,
    }
    t.deepEqual((await catalog.session(row.id))?.login, expected)
    const { items } = await catalog.sessions({ limit: 10 })
    t.deepEqual(
      items.map((session) => session.login),
      [null, expected],
    )
  })

  test('a port that a client used again: each session has the last login before it', async (t) => {
    const { catalog, place } = await opened(t, make)
    const rows = [20, 1_020, 5].map((seconds) => sessionRow(seconds, joined))
    for (const row of rows) await catalog.indexFrames(update(row, [0, 1]))
    await catalog.putEvents([login(1_019), login(19)])
    await place.settle()
    const logins = await Promise.all(rows.map(async ({ id }) => (await catalog.session(id))?.login?.keyFingerprint))
    t.deepEqual(logins, ['SHA256:key-19', 'SHA256:key-1019', undefined])
  })

  test('failures before a login are those from its address on its bastion within a day', async (t) => {
    const { catalog, place } = await opened(t, make)
    const row = sessionRow(100_001, joined)
    await catalog.indexFrames(update(row, [0, 1]))
    const counted = [99_998, 99_999, 100_000, 14_000].map((seconds) => failure(seconds))
    const others = [
      failure(13_000),
      failure(100_001),
      failure(99_999, { sourceIp: '198.51.100.1' }),
      failure(99_999, { bastion: 'bastion-2' }),
    ]
    await catalog.putEvents([...counted, login(100_000), ...others])
    await catalog.putEvents(counted)
    await place.settle()
    t.is((await catalog.session(row.id))?.login?.failuresBefore, 4)
    await catalog.putEvents([failure(50_000)])
    await place.settle()
    t.is((await catalog.sessions({ limit: 1 })).items[0]?.login?.failuresBefore, 5)
  })

  test('failures beyond 1,000 are not counted', async (t) => {
    const { catalog, place } = await opened(t, make)
    const row = sessionRow(3_000, joined)
    await catalog.indexFrames(update(row, [0, 1]))
    await catalog.putEvents([login(2_999), ...Array.from({ length: 1_100 }, (_, n) => failure(n))])
    await place.settle()
    t.is((await catalog.session(row.id))?.login?.failuresBefore, 1_000)
  })
}

const ledgerContract = (test: TestFn, make: MakeCatalogPlace): void => {
  test('the events of a connection are logins and sessions, at once and by time', async (t) => {
    const { catalog } = await opened(t, make)
    const end = event(30, {
      ...started(30),
      id: 'the-end-of-it',
      kind: 'session_ended',
      durationMs: 1,
      outBytes: 0,
      inBytes: 0,
    })
    const events = [login(9), started(10), started(20), end]
    await catalog.putEvents([...events.toReversed(), failure(8, joined), login(9, { bastion: 'bastion-2' })])
    await catalog.putEvents([login(9, { connectionId: '0'.repeat(32) }), login(9, { connectionId: null })])
    t.deepEqual(await catalog.connectionEvents('bastion-1', connectionId), { events, more: false })
    t.deepEqual(await catalog.connectionEvents('bastion-1', '1'.repeat(32)), { events: [], more: false })
    t.deepEqual(await catalog.bastions(), ['bastion-1', 'bastion-2'])
  })

  test('rows of sessions that were not recorded are listed, changed and gone, at once', async (t) => {
    const { catalog, place } = await opened(t, make)
    const recorded = ended(sessionRow(5, joined), 9)
    const unrecorded = { ...joined, recorded: false, hook: 'openssh', tty: null, argv: [] }
    const tunnel = sessionRow(10, { ...unrecorded, state: 'tunnel_only', endedAt: at(20), endDetail: 'left quietly' })
    const missing = sessionRow(12, { ...unrecorded, state: 'missing' })
    await catalog.indexFrames(update(recorded, [0, 1], ['make']))
    await catalog.putUnrecorded([tunnel, missing], [])
    await catalog.putUnrecorded([tunnel], [])
    await place.settle()
    const find = async (query: Partial<SessionQuery>) => (await catalog.sessions({ limit: 10, ...query })).items
    t.deepEqual(await catalog.session(tunnel.id), {
      ...tunnel,
      person: null,
      evidence: 'none',
      commandCount: 0,
      login: null,
    })
    t.deepEqual(
      (await find({})).map(({ id }) => id),
      [missing.id, tunnel.id, recorded.id],
    )
    t.deepEqual(
      (await find({ query: wordsQuery('quietly') })).map(({ id }) => id),
      [tunnel.id],
    )
    t.deepEqual(
      (await catalog.connectionSessions(connectionId)).map(({ id, recorded }) => [id, recorded]),
      [
        [recorded.id, true],
        [tunnel.id, false],
        [missing.id, false],
      ],
    )
    t.deepEqual(await catalog.openSessions('bastion-1'), [])

    await catalog.putUnrecorded([{ ...missing, endedAt: at(50), endDetail: 'noisily' }], [tunnel.id, newId()])
    t.is((await catalog.connectionSessions(connectionId)).length, 2)
    await place.settle()
    t.is(await catalog.session(tunnel.id), null)
    t.like(await catalog.session(missing.id), { endedAt: at(50), state: 'missing' })
    t.deepEqual(await find({ query: wordsQuery('quietly') }), [])
    t.is((await find({ query: wordsQuery('noisily') })).length, 1)
    t.is((await catalog.sessions({ limit: 10 })).total.value, 2)

    await catalog.putUnrecorded([tunnel], [])
    await place.settle()
    t.is((await find({ query: wordsQuery('quietly') })).length, 1, 'what is gone may come again')
  })
}

export const connectionsContract = (test: TestFn, make: MakeCatalogPlace): void => {
  loginContract(test, make)
  ledgerContract(test, make)
}
