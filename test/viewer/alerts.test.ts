import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { Registry } from 'prom-client'
import { createIndexer } from '#ingest/indexer/indexer.ts'
import { type Backends, embedded } from '#services/backends.ts'
import { systemClock } from '#services/clock.ts'
import { Config } from '#services/config.ts'
import { createLogger } from '#services/log.ts'
import { Role } from '#services/schema/access.ts'
import { type Alert, RuleId } from '#services/schema/alert.ts'
import { listOf } from '#services/schema/session.ts'
import { alert } from '#test/contract/catalog-alerts.ts'
import { at, event } from '#test/contract/catalog-place.ts'
import { type Teardown, temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { until } from '#test/helpers/until.ts'
import { AlertInfo } from '#viewer/routes/alerts.ts'
import { openAccess } from '../../cli/access.ts'
import { serve } from '../../cli/serve.ts'
import { viewerStage } from '../../cli/stages/viewer.ts'

/** The viewer on real back ends, with the indexer behind it. `before`: what stands when it starts. */
const startViewer = async (t: Teardown, before: (backends: Backends) => Promise<void> = async () => {}) => {
  const log = createLogger('viewer', 'silent')
  const config = Config.parse({ data: join(await temporaryFolder(t), 'data'), bastion: 'console', http: { port: 0 } })
  const backends = await embedded(config, systemClock, log)
  await before(backends)
  const shared = { config, backends, clock: systemClock, log }
  const access = openAccess(shared)
  const stage = viewerStage(
    { ...shared, access, registry: new Registry(), ready: () => true },
    () => 'http://localhost',
  )
  const served = await serve(config, log, [stage.router])
  const indexer = await createIndexer({ ...shared, ...backends, config: config.ingest, registry: new Registry() })
  t.teardown(async () => {
    served.close()
    await Promise.all([stage.close(), indexer.close()])
    await backends.close()
  })
  const secrets = new Map<string, string>()
  for (const role of Role.exclude(['ingest']).options)
    secrets.set(role, (await access.tokens.create({ role, name: role, actor: 'test' })).secret)
  const ask = (path: string, { as = 'analyst', headers = {}, ...init }: RequestInit & { as?: string } = {}) =>
    fetch(`http://127.0.0.1:${served.httpPort}${path}`, {
      ...init,
      headers: { authorization: `Bearer ${secrets.get(as)}`, 'content-type': 'application/json', ...headers },
    })
  return { ask, backends }
}

let ask: Awaited<ReturnType<typeof startViewer>>['ask']
let backends: Backends
const undo: (() => unknown)[] = []
test.before(async () => {
  ;({ ask, backends } = await startViewer({ teardown: (run) => undo.push(run) }))
})
test.after.always(async () => {
  for (const run of undo.reverse()) await run()
})

const say = async (...alerts: Alert[]): Promise<void> => {
  await backends.bus.produce(
    alerts.map((one) => ({ topic: 'alerts', key: one.id, value: Buffer.from(JSON.stringify(one)) })),
  )
  const isThere = async ({ id, revision }: Alert) => ((await backends.catalog.alert(id))?.revision ?? 0) >= revision
  await until(async () => (await Promise.all(alerts.map(isThere))).every(Boolean), { limitMs: 30_000 })
}
const json = async (path: string, init?: Parameters<typeof ask>[1]): Promise<unknown> => {
  const response = await ask(path, init)
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
  return response.json()
}
const listed = async (query: string) => listOf(AlertInfo).parse(await json(`/api/alerts?${query}`))
const problem = async (t: ExecutionContext, response: Response, status: number, code: string): Promise<void> => {
  t.is(response.status, status)
  t.regex(response.headers.get('content-type') ?? '', /^application\/problem\+json/)
  t.like(await response.json(), { code, status })
}
const tagOf = async (id: string): Promise<string> => (await ask(`/api/alerts/${id}`)).headers.get('etag') ?? ''
const decide = (id: string, tag: string | null, body: object, as = 'analyst') =>
  ask(`/api/alerts/${id}`, {
    method: 'PATCH',
    as,
    headers: tag === null ? {} : { 'if-match': tag },
    body: JSON.stringify(body),
  })
const post = (body: object, as = 'analyst') =>
  ask('/api/suppressions', { method: 'POST', as, body: JSON.stringify(body) })
const inDays = (days: number): string => new Date(Date.now() + days * 86_400_000).toISOString()

test('alerts are listed newest first, by all their filters; withdrawn ones where asked for', async (t) => {
  const user = 'lister'
  const [a, b, c] = [
    alert('list-a', 0, { user, severity: 'high' }),
    alert('list-b', 10, { user, rule: 'bulk-transfer', sourceIp: '198.51.100.77' }),
    alert('list-c', 20, { user, withdrawn: true, status: 'resolved' }),
  ]
  await say(a, b, c)
  const ids = async (query: string) => (await listed(`user=${user}&${query}`)).items.map(({ id }) => id)
  t.deepEqual(await ids(''), [b.id, a.id])
  t.deepEqual(await ids('withdrawn=true'), [c.id, b.id, a.id])
  t.deepEqual(await ids('severity=high,critical'), [a.id])
  t.deepEqual(await ids('rule=bulk-transfer,recording-gap'), [b.id])
  t.deepEqual(await ids('status=acknowledged'), [])
  t.deepEqual(await ids('sourceIp=198.51.100.77'), [b.id])
  t.deepEqual(await ids('q=list-a'), [a.id])
  t.deepEqual(await ids(`from=${at(5)}&to=${at(15)}`), [b.id])
  const first = await listed(`user=${user}&limit=1`)
  t.deepEqual(first.total, { value: 2, relation: 'eq' })
  t.deepEqual(await ids(`limit=1&cursor=${first.next}`), [a.id])
  await problem(t, await ask('/api/alerts?stauts=open'), 400, 'BTZ_REQUEST_INVALID')
  await problem(t, await ask('/api/alerts?limit=501'), 400, 'BTZ_REQUEST_INVALID')
  await problem(t, await ask('/api/alerts?rule=no-such-rule'), 400, 'BTZ_REQUEST_INVALID')
})

test('a decision is answered, listed, in the history and in the audit trail, and outlives what the detectors say', async (t) => {
  const a = alert('decided', 0, { user: 'decided', revision: 2 })
  await say(a)
  const before = await ask(`/api/alerts/${a.id}`)
  t.like(AlertInfo.parse(await before.json()), { status: 'open', triage: null, suppressedBy: null })
  const body = { status: 'false_positive', reason: 'alice works from home' }
  const answer = await decide(a.id, before.headers.get('etag'), body, 'oncall')
  t.is(answer.status, 200)
  const after = AlertInfo.parse(await answer.json())
  t.like(after, { status: 'false_positive', triage: { actor: 'oncall', reason: body.reason } })
  t.is(answer.headers.get('etag'), await tagOf(a.id))
  t.is(((await json(`/api/alerts/${a.id}`)) as Alert).status, 'false_positive', 'at once')
  await say({ ...a, revision: 3, count: 50 })
  await until(async () => (await listed('user=decided&status=false_positive')).items.length === 1, { limitMs: 30_000 })
  t.like((await listed('user=decided')).items[0], { status: 'false_positive', count: 50, revision: 3 })
  t.deepEqual(await json(`/api/alerts/${a.id}/history`), {
    items: [{ at: after.triage!.at, actor: 'oncall', ...body, revision: 2 }],
  })
  const trail = async () => (await backends.catalog.events({ kinds: ['access'], user: 'oncall', limit: 50 })).items
  const isTold = async () =>
    (await trail()).some((one) => one.kind === 'access' && one.action === 'alert.triage' && one.object === a.id)
  await until(isTold, { limitMs: 30_000, what: 'the audit trail' })
})

test('a decision names what it was made on: 428 without, 412 when somebody decided or it became graver', async (t) => {
  const a = alert('raced', 0, { user: 'raced' })
  await say(a)
  const tag = await tagOf(a.id)
  await problem(t, await decide(a.id, null, { status: 'acknowledged' }), 428, 'BTZ_PRECONDITION_REQUIRED')
  await problem(t, await decide(a.id, '*', { status: 'acknowledged' }), 428, 'BTZ_PRECONDITION_REQUIRED')
  const both = await Promise.all([
    decide(a.id, tag, { status: 'acknowledged' }),
    decide(a.id, tag, { status: 'resolved', reason: 'a test' }, 'admin'),
  ])
  t.deepEqual(both.map(({ status }) => status).sort(), [200, 412])
  await problem(t, await decide(a.id, tag, { status: 'open' }), 412, 'BTZ_STATE_CONFLICT')
  t.is(((await json(`/api/alerts/${a.id}/history`)) as { items: unknown[] }).items.length, 1)

  const growing = await tagOf(a.id)
  await say({ ...a, revision: 2, count: 30 })
  t.not(await tagOf(a.id), growing, 'a tag stands for one representation')
  t.is((await decide(a.id, `W/${growing}`, { status: 'open' })).status, 200, 'more of the same takes nothing back')
  const mild = await tagOf(a.id)
  await say({ ...a, revision: 3, severity: 'critical' })
  await problem(t, await decide(a.id, mild, { status: 'acknowledged' }), 412, 'BTZ_STATE_CONFLICT')
})

test('a decision without its reason, of no alert, or of nobody who may, is refused', async (t) => {
  const a = alert('refused', 0, { user: 'refused' })
  await say(a)
  const tag = await tagOf(a.id)
  const invalid = [
    { status: 'resolved' },
    { status: 'false_positive', reason: '  ' },
    { status: 'closed' },
    { status: 'acknowledged', actor: 'mallory' },
    { status: 'resolved', reason: 'x'.repeat(2_049) },
  ]
  for (const body of invalid) await problem(t, await decide(a.id, tag, body), 400, 'BTZ_REQUEST_INVALID')
  for (const role of ['auditor', 'siem'])
    await problem(t, await decide(a.id, tag, { status: 'acknowledged' }, role), 403, 'BTZ_FORBIDDEN')
  await problem(t, await decide('0'.repeat(32), tag, { status: 'acknowledged' }), 404, 'BTZ_NOT_FOUND')
  await problem(t, await ask('/api/alerts/..%2F..%2Ftokens'), 404, 'BTZ_NOT_FOUND')
  t.deepEqual(await json(`/api/alerts/${a.id}/history`), { items: [] })
})

test('what was decided before the last process ended is in the catalog soon after the next one starts', async (t) => {
  const a = alert('unsaid', 0, { user: 'unsaid' })
  const decision = { at: at(60), actor: 'bob', status: 'resolved', reason: 'a test', revision: 1 }
  const next = await startViewer(t, async ({ catalog, state }) => {
    await catalog.putAlerts([a])
    await state.put(`triage-unsaid/${a.id}`, { atMs: Date.now() - 60_000 })
    await state.put(`triage/${a.id}`, [decision])
  })
  const isResolved = async () => (await next.backends.catalog.alert(a.id))?.status === 'resolved'
  await until(isResolved, { limitMs: 30_000, what: 'the decision in the catalog' })
  t.like(await next.backends.catalog.alert(a.id), { triage: { actor: 'bob', reason: 'a test' } })
})

test('each rule says what it looks for, its technique, and what it decides by now', async (t) => {
  const { items } = (await json('/api/rules', { as: 'siem' })) as {
    items: { id: string; technique: { id: string }; settings: { id: string; value: unknown; meaning: string }[] }[]
  }
  t.deepEqual(
    items.map(({ id }) => id),
    RuleId.options,
  )
  for (const { id, technique, settings } of items) {
    t.regex(technique.id, /^T\d{4}(\.\d{3})?$/, id)
    t.true(settings.length > 0 && settings.every(({ meaning }) => typeof meaning === 'string'), id)
  }
  const failures = items.find(({ id }) => id === 'auth-failures')!.settings
  t.is(failures.find(({ id }) => id === 'detectors.authFailures.fastAttempts')?.value, 10)
  t.is(failures.find(({ id }) => id === 'detectors.directoryFile')?.value, null)
})

test('a suppression hides the alerts it holds for until it is deleted, and both are in the audit trail', async (t) => {
  const [a, b] = [
    alert('hidden', 0, { user: 'scanner', sourceIp: '10.9.1.7' }),
    alert('shown', 1, { user: 'scanner', sourceIp: '10.8.1.7' }),
  ]
  await say(a, b)
  const ids = async (query: string) => (await listed(`user=scanner&${query}`)).items.map(({ id }) => id)
  t.deepEqual(await ids(''), [b.id, a.id])
  const wanted = { source: '10.9.0.0/16', owner: 'team blue', reason: 'our own scanner', expiresAt: inDays(30) }
  const made = await post(wanted)
  t.is(made.status, 201)
  const { id } = (await made.json()) as { id: string }
  t.like(((await json('/api/suppressions', { as: 'auditor' })) as { items: object[] }).items[0], {
    id,
    ...wanted,
    user: null,
    createdBy: 'analyst',
  })
  const visible = await listed('user=scanner')
  t.deepEqual(
    visible.items.map((one) => [one.id, one.suppressedBy]),
    [[b.id, null]],
  )
  t.deepEqual(visible.total, { value: 1, relation: 'eq' })
  for (const suppressed of ['true', 'all']) t.deepEqual(await ids(`suppressed=${suppressed}`), [b.id, a.id])
  t.is(((await json(`/api/alerts/${a.id}`)) as AlertSeen).suppressedBy, id)

  const end = (body: object, as = 'analyst') =>
    ask(`/api/suppressions/${id}`, { method: 'DELETE', as, body: JSON.stringify(body) })
  await problem(t, await end({}), 400, 'BTZ_REQUEST_INVALID')
  await problem(t, await end({ reason: 'because' }, 'oncall'), 403, 'BTZ_FORBIDDEN')
  t.is((await end({ reason: 'the scanner is gone' })).status, 204)
  await problem(t, await end({ reason: 'once more' }), 404, 'BTZ_NOT_FOUND')
  t.deepEqual(await ids(''), [b.id, a.id])
  const actions = async () =>
    (await backends.catalog.events({ kinds: ['access'], user: 'analyst', limit: 500 })).items.map((one) =>
      one.kind === 'access' ? `${one.action}: ${one.reason}` : '',
    )
  const told = ['suppression.create: our own scanner', 'suppression.delete: the scanner is gone']
  await until(async () => told.every(Set.prototype.has, new Set(await actions())), { limitMs: 30_000 })
})
type AlertSeen = { suppressedBy: string | null }

test('a suppression of everything, without an end, an owner or a right to it, is refused', async (t) => {
  const good = { user: 'alice', owner: 'bob', reason: 'a reason', expiresAt: inDays(1) }
  const { user: _user, ...everything } = good
  const { owner: _owner, ...nobody } = good
  const { expiresAt: _end, ...endless } = good
  const refused = [
    everything,
    nobody,
    endless,
    { ...good, expiresAt: inDays(400) },
    { ...good, expiresAt: inDays(-1) },
    { ...good, source: '10.0.0.0/4' },
    { ...good, source: 'example.com' },
    { ...good, rule: 'no-such-rule' },
    { ...good, until: 'then' },
  ]
  for (const body of refused) await problem(t, await post(body), 400, 'BTZ_REQUEST_INVALID')
  for (const role of ['oncall', 'auditor', 'siem']) await problem(t, await post(good, role), 403, 'BTZ_FORBIDDEN')
})

test('what is known of a user: hours in their zone, addresses, hosts, sessions and open alerts', async (t) => {
  const user = 'ulla ümlaut/1'
  const login = (time: string, more: object = {}) => event(0, { at: time, user, ...more })
  await backends.catalog.putEvents([
    login('2026-11-16T08:30:00.000Z', { sourceIp: '192.0.2.1' }), // a Monday
    login('2026-11-16T23:30:00.000Z', { sourceIp: '192.0.2.2', target: 'db-1' }),
    login('2026-11-20T08:59:59.000Z', { sourceIp: '192.0.2.1' }),
    event(5, { user, kind: 'login_failed', sourceIp: '192.0.2.66' }),
    event(6, { user: 'somebody else' }),
  ])
  await say(alert('of-ulla', 0, { user }), alert('of-ulla-done', 1, { user, status: 'resolved' }))
  const path = `/api/users/${encodeURIComponent(user)}`
  const utc = (await json(path)) as { hours: number[]; addresses: object[]; hosts: object[] }
  t.like(utc, {
    user,
    person: null,
    zone: 'UTC',
    sessions: 0,
    alerts: 1,
    lastLoginAt: '2026-11-20T08:59:59.000Z',
    from: '2026-11-16T08:30:00.000Z',
    complete: true,
  })
  t.deepEqual([utc.hours.length, utc.hours[8], utc.hours[23], utc.hours[4 * 24 + 8]], [168, 1, 1, 1])
  t.deepEqual(utc.addresses, [
    { ip: '192.0.2.1', count: 2, firstAt: '2026-11-16T08:30:00.000Z', lastAt: '2026-11-20T08:59:59.000Z' },
    { ip: '192.0.2.2', count: 1, firstAt: '2026-11-16T23:30:00.000Z', lastAt: '2026-11-16T23:30:00.000Z' },
  ])
  t.like(utc.hosts[1], { host: 'db-1', count: 1 })
  const there = (await json(`${path}?zone=Asia/Kolkata`)) as { hours: number[] }
  t.deepEqual(
    [there.hours[14], there.hours[24 + 5], there.hours[4 * 24 + 14]],
    [1, 1, 1],
    'five and a half hours ahead',
  )
  const lately = (await json('/api/users?q=ulla')) as { items: object[] }
  t.deepEqual(lately.items, [{ user, lastSeenAt: '2026-11-20T08:59:59.000Z' }])
  await problem(t, await ask(`${path}?zone=Mars/Olympus`), 400, 'BTZ_REQUEST_INVALID')
  await problem(t, await ask(path, { as: 'siem' }), 403, 'BTZ_FORBIDDEN')
})

test('events are found by address, target and outcome', async (t) => {
  await backends.catalog.putEvents([
    event(0, { id: 'pivot-event-1', sourceIp: '198.51.100.200', target: 'pivot-1', outcome: 'failure' }),
    event(1, { id: 'pivot-event-2', sourceIp: '198.51.100.200', target: 'pivot-2' }),
  ])
  const ids = async (query: string) =>
    ((await json(`/api/events?${query}`)) as { items: { id: string }[] }).items.map(({ id }) => id)
  t.deepEqual(await ids('sourceIp=198.51.100.200'), ['pivot-event-2', 'pivot-event-1'])
  t.deepEqual(await ids('target=pivot-2'), ['pivot-event-2'])
  t.deepEqual(await ids('sourceIp=198.51.100.200&outcome=failure'), ['pivot-event-1'])
  await problem(t, await ask('/api/events?outcome=maybe'), 400, 'BTZ_REQUEST_INVALID')
})

test('the contract names every operation of alerts', async (t) => {
  const { paths } = (await json('/api/openapi.json')) as { paths: Record<string, Record<string, object>> }
  t.deepEqual(Object.keys(paths['/api/alerts/{id}']!).sort(), ['get', 'patch'])
  for (const path of [
    '/api/alerts',
    '/api/alerts/{id}/history',
    '/api/rules',
    '/api/suppressions',
    '/api/users/{user}',
  ])
    t.truthy(paths[path], path)
})
