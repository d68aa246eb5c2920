import { hash } from 'node:crypto'
import type { TestFn } from 'ava'
import { addressRange } from '#services/address-key.ts'
import type { AlertQuery } from '#services/catalog/catalog.ts'
import { hasCode } from '#services/errors.ts'
import { Alert } from '#services/schema/alert.ts'
import { allPages, at, event, type MakeCatalogPlace, newId, opened } from './catalog-place.ts'

/** What the detectors say of an incident that was decided `seconds` after the epoch of these tests. */
export const alert = (name: string, seconds: number, more: Partial<Alert> = {}): Alert =>
  Alert.parse({
    id: hash('sha256', name).slice(0, 32),
    revision: 1,
    rule: 'new-source-ip',
    severity: 'medium',
    status: 'open',
    title: `alice came in from a new network (${name})`,
    at: at(seconds),
    entity: { kind: 'user', key: 'alice' },
    user: 'alice',
    sourceIp: '203.0.113.9',
    bastion: 'bastion-1',
    check: null,
    sessionId: null,
    sessionIds: [],
    atMs: null,
    gap: null,
    count: 1,
    firstEventAt: at(seconds),
    lastEventAt: at(seconds),
    explanation: 'never seen before',
    baseline: { observed: '203.0.113.0/24', expected: '198.51.100.0/24', historySize: 40, historyDays: 30 },
    withdrawn: false,
    triage: null,
    ...more,
  })

const decided = (of: Alert, status: Alert['status'], seconds: number, actor = 'bob'): Alert => ({
  ...of,
  status,
  triage: { status, actor, at: at(seconds), reason: 'looked at it' },
})
const namesOf = (alerts: Alert[]): string[] => alerts.map(({ title }) => /\((.*)\)/.exec(title)?.[1] ?? title)

export const alertsContract = (test: TestFn, make: MakeCatalogPlace): void => {
  test('what was said last of an alert stands, as it was said', async (t) => {
    const { catalog, place } = await opened(t, make)
    t.is(await catalog.alert(alert('a', 0).id), null)
    await catalog.putAlerts([])
    const first = alert('a', 0, { explanation: 'one ä 😀', sessionIds: [newId()] })
    const grown = alert('a', 5, { revision: 3, severity: 'high', explanation: 'grown', sessionIds: [newId()] })
    await catalog.putAlerts([first])
    t.deepEqual(await catalog.alert(first.id), first)
    await catalog.putAlerts([alert('b', 1), grown])
    await catalog.putAlerts([grown, alert('b', 1)])
    t.deepEqual(await catalog.alert(first.id), grown)
    await place.settle()
    const { items, total } = await catalog.alerts({ limit: 10 })
    t.deepEqual(items, [grown, alert('b', 1)])
    t.deepEqual(total, { value: 2, relation: 'eq' })
    const inSession = async ([sessionId]: string[]) =>
      (await catalog.alerts({ limit: 10, sessionId: sessionId! })).items
    t.deepEqual(await inSession(first.sessionIds), [])
    t.deepEqual(await inSession(grown.sessionIds), [grown])
    t.deepEqual((await catalog.alerts({ limit: 10, text: 'one' })).items, [])
  })

  test('several things said of one alert in one call stand like one after the other', async (t) => {
    const { catalog } = await opened(t, make)
    const a = alert('a', 0)
    await catalog.putAlerts([a, decided(a, 'resolved', 10), { ...a, revision: 2, count: 9 }])
    t.like(await catalog.alert(a.id), { revision: 2, count: 9, status: 'resolved', triage: { actor: 'bob' } })
  })

  test('the detectors never undo what people decided, and people do not take back what the detectors found since', async (t) => {
    const { catalog, place } = await opened(t, make)
    const a = alert('a', 0)
    await catalog.putAlerts([a])
    await catalog.putAlerts([{ ...a, revision: 2, count: 5 }])
    await catalog.putAlerts([decided(a, 'false_positive', 10)])
    t.deepEqual(await catalog.alert(a.id), decided({ ...a, revision: 2, count: 5 }, 'false_positive', 10))
    await catalog.putAlerts([{ ...a, revision: 3, count: 6, severity: 'critical' }])
    const stands = { revision: 3, count: 6, severity: 'critical', status: 'false_positive' } as const
    t.like(await catalog.alert(a.id), stands)
    await catalog.putAlerts([decided(a, 'acknowledged', 5, 'late')])
    t.like(await catalog.alert(a.id), { ...stands, triage: { actor: 'bob' } })
    await catalog.putAlerts([decided(a, 'open', 11, 'carol')])
    t.like(await catalog.alert(a.id), { ...stands, status: 'open', triage: { actor: 'carol' } })
    await place.settle()
    t.is((await catalog.alerts({ limit: 5, statuses: ['open'] })).items.length, 1)
    t.is((await catalog.alerts({ limit: 5, statuses: ['false_positive'] })).items.length, 0)
  })

  test('what two processes say of an alert at the same time both stands, once each was taken', async (t) => {
    const { catalog, place } = await opened(t, make)
    const other = await place.open()
    t.teardown(() => other.close())
    const a = alert('a', 0)
    await catalog.putAlerts([a])
    const untilTaken = async (put: () => Promise<void>): Promise<void> => {
      for (let attempt = 0; attempt < 50; attempt++) {
        try {
          return await put()
        } catch (error) {
          if (!hasCode(error, 'BTZ_UNAVAILABLE')) throw error
        }
      }
      t.fail('never taken')
    }
    for (let n = 1; n <= 10; n++) {
      await Promise.all([
        untilTaken(() => catalog.putAlerts([{ ...a, revision: 1 + n }])),
        untilTaken(() => other.putAlerts([decided(a, 'acknowledged', n, `actor-${n}`)])),
      ])
      t.like(await catalog.alert(a.id), { revision: 1 + n, triage: { actor: `actor-${n}` } })
    }
  })

  test('a decision about an alert that is not known yet is kept for it', async (t) => {
    const { catalog } = await opened(t, make)
    const a = alert('a', 0)
    await catalog.putAlerts([decided(a, 'resolved', 10)])
    await catalog.putAlerts([{ ...a, revision: 2 }])
    t.deepEqual(await catalog.alert(a.id), { ...decided(a, 'resolved', 10), revision: 2 })
  })

  test('alerts at one moment, moved or not, come newest first and each once, page by page', async (t) => {
    const { catalog, place } = await opened(t, make)
    const together = Array.from({ length: 12 }, (_, n) => alert(`together-${n}`, 50))
    const spread = Array.from({ length: 12 }, (_, n) => alert(`spread-${n}`, (n * 5) % 12))
    await catalog.putAlerts([...spread, ...together.map((one) => ({ ...one, at: at(-1) }))])
    await catalog.putAlerts(together)
    await place.settle()
    const seen = await allPages((cursor) => catalog.alerts({ limit: 5, ...(cursor && { cursor }) }))
    t.deepEqual(namesOf(seen).slice(0, 12).sort(), namesOf(together).sort())
    t.deepEqual(namesOf(seen).slice(12), namesOf(spread.toSorted((a, b) => Date.parse(b.at) - Date.parse(a.at))))
  })

  test('each filter of alerts keeps what it names and nothing else', async (t) => {
    const { catalog, place } = await opened(t, make)
    const sessionId = newId()
    await catalog.putAlerts([
      alert('a', 0),
      alert('b', 1, { rule: 'recording-gap', user: null, sourceIp: null, bastion: 'b-2', gap: 'recorder_killed' }),
      alert('c', 2, { severity: 'high', user: 'carol', sourceIp: '2001:db8::7', sessionIds: [newId(), sessionId] }),
      alert('d', 3, { withdrawn: true, status: 'resolved', bastion: null }),
    ])
    await place.settle()
    const find = async (query: Partial<AlertQuery>) => {
      const { items, total } = await catalog.alerts({ limit: 10, ...query })
      t.deepEqual(total, { value: items.length, relation: 'eq' })
      return namesOf(items).join('')
    }
    t.is(await find({}), 'cba')
    t.is(await find({ withdrawn: true }), 'dcba')
    t.is(await find({ withdrawn: true, statuses: ['resolved'] }), 'd')
    t.is(await find({ statuses: ['acknowledged', 'open'] }), 'cba')
    t.is(await find({ statuses: [] }), '')
    t.is(await find({ rules: ['recording-gap', 'bulk-transfer'] }), 'b')
    t.is(await find({ severities: ['high', 'critical'] }), 'c')
    t.is(await find({ user: 'carol' }), 'c')
    t.is(await find({ sourceIp: '203.0.113.9' }), 'a')
    t.is(await find({ bastion: 'b-2' }), 'b')
    t.is(await find({ sessionId }), 'c')
    t.is(await find({ from: new Date(at(1)), to: new Date(at(2)) }), 'cb')
    t.is(await find({ text: 'RECORDER_kill' }), 'b')
    t.is(await find({ text: '2001:db8 network' }), 'c')
    t.is(await find({ text: 'nothing like that' }), '')
  })

  test('alerts that match one of several conditions are left out, and not counted', async (t) => {
    const { catalog, place } = await opened(t, make)
    await catalog.putAlerts([
      alert('a', 0),
      alert('b', 1, { user: null, sourceIp: null, bastion: null }),
      alert('c', 2, { sourceIp: '10.1.2.3' }),
      alert('d', 3, { sourceIp: '10.1.3.3', rule: 'auth-failures', user: 'dave' }),
      alert('e', 4, { sourceIp: '2001:db8::1', bastion: 'b-2' }),
      alert('f', 5, { sourceIp: 'unknown' }),
    ])
    await place.settle()
    const find = async (query: Partial<AlertQuery>) => {
      const { items, total } = await catalog.alerts({ limit: 10, ...query })
      t.is(total.value, items.length)
      return namesOf(items).join('')
    }
    const net = (cidr: string) => ({ source: addressRange(cidr)! })
    t.is(await find({ except: [net('10.1.2.0/24')] }), 'fedba')
    t.is(await find({ except: [net('2001:db8::/32'), { rule: 'auth-failures' }] }), 'fcba')
    t.is(await find({ except: [{ rule: 'auth-failures', user: 'alice' }] }), 'fedcba')
    t.is(await find({ except: [{ user: 'alice' }, { bastion: 'bastion-1', rule: 'auth-failures' }] }), 'b')
    t.is(await find({ except: [{ bastion: 'b-2', ...net('2001:db8::1') }] }), 'fdcba')
    t.is(await find({ except: [{}] }), 'fedcba')
    const page = await catalog.alerts({ limit: 2, except: [{ user: 'dave' }] })
    const rest = await catalog.alerts({ limit: 9, except: [{ user: 'dave' }, { bastion: 'b-2' }], cursor: page.next! })
    t.is(namesOf([...page.items, ...rest.items]).join(''), 'fecba', 'a page goes on after the conditions changed')
  })

  test('events are found by address, target and outcome', async (t) => {
    const { catalog, place } = await opened(t, make)
    await catalog.putEvents([
      event(0, { id: 'ev-address', sourceIp: '198.51.100.4', target: 'db-1' }),
      event(1, { id: 'ev-failed', kind: 'login_failed', outcome: 'failure', target: 'db-1' }),
      event(2, { id: 'ev-without', sourceIp: null, outcome: null }),
    ])
    await place.settle()
    const find = async (query: object) =>
      (await catalog.events({ limit: 10, ...query })).items.map(({ id }) => id).join(' ')
    t.is(await find({ sourceIp: '198.51.100.4' }), 'ev-address')
    t.is(await find({ target: 'db-1' }), 'ev-failed ev-address')
    t.is(await find({ outcome: 'failure' }), 'ev-failed')
    t.is(await find({ outcome: 'success', target: 'db-1' }), 'ev-address')
  })
}
