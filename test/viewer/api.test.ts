import test, { type ExecutionContext } from 'ava'
import { listOf, Session } from '#services/schema/session.ts'
import { type Product, startProduct, untilSealed } from '#test/helpers/running.ts'
import { connectSudoClient, loginInfos } from '#test/helpers/sudo-client.ts'
import { until } from '#test/helpers/until.ts'

type Json = Record<string, unknown>
type Listed = { items: Json[]; next: string | null; total: { value: number; relation: string } }

const record = async (product: Product, user: string, command: string): Promise<string> => {
  const client = await connectSudoClient(product.endpoints.sudoPort)
  client.accept(
    loginInfos({
      submituser: user,
      runuser: user,
      runenv: ['SSH_CONNECTION=192.0.2.9 50123 192.0.2.1 22', 'SSH_TTY=/dev/pts/3', 'SECRET_OF_USER=x'],
    }),
  )
  const id = await client.logId()
  client.io('ttyoutBuf', '$ ', 1_000_000n)
  for (const key of `${command}\r`) {
    client.io('ttyinBuf', key, 50_000_000n)
    client.io('ttyoutBuf', key === '\r' ? '\r\n' : key, 1_000_000n)
  }
  client.io('ttyoutBuf', Buffer.from([0xff, 0xfe, 0x0d, 0x0a]), 1_000_000n)
  client.exit({ exitValue: 3 })
  await client.committed()
  await untilSealed(product, id)
  await untilListed(product, id)
  return id
}

/** A search engine shows in lists what it has only a moment later than by its id. */
const untilListed = (product: Product, id: string): Promise<void> =>
  until(async () => {
    const { items } = (await product.api('/api/sessions?limit=100')) as Listed
    return items.some((session) => session.id === id && session.state !== 'open' && session.state !== 'late')
  })

const tokenFor = async (product: Product, role: string): Promise<RequestInit> => {
  const body = JSON.stringify({ role, name: role, ...(role === 'ingest' && { bastion: 'other' }) })
  const { secret } = (await product.api('/api/tokens', { method: 'POST', body })) as { secret: string }
  return { headers: { authorization: `Bearer ${secret}` } }
}

/** As the browser gets it, of a session that a one-time link opened. */
const cookieOf = async (product: Product, role: string): Promise<string> => {
  const body = JSON.stringify({ name: 'dana', role })
  const { url } = (await product.api('/api/login-links', { method: 'POST', body })) as { url: string }
  const signIn = await product.raw('/api/sign-in', {
    method: 'POST',
    body: JSON.stringify({ code: url.split('#')[1] }),
    headers: { authorization: '' },
  })
  return signIn.headers.get('set-cookie') ?? ''
}

const problem = async (t: ExecutionContext, response: Response, status: number, code: string): Promise<void> => {
  t.is(response.status, status)
  t.regex(response.headers.get('content-type') ?? '', /^application\/problem\+json/)
  t.is(((await response.json()) as Json).code, code)
}

let product: Product
let id: string
const undo: (() => unknown)[] = []
test.after.always(async () => {
  for (const run of undo.reverse()) await run()
})
test.before(async () => {
  product = await startProduct({ teardown: (run) => undo.push(run) }, { env: { BARTIZAN_LOG_LEVEL: 'error' } })
  id = await record(product, 'alice', 'grep -r needle /etc')
})

test('a session has the fields of the contract, with who, from where, and how it ended', async (t) => {
  const session = Session.parse(await product.api(`/api/sessions/${id}`))
  t.like(session, {
    user: 'alice',
    sourceIp: '192.0.2.9',
    sourcePort: 50_123,
    bastion: 'test-bastion',
    hook: 'sudo',
    exitCode: 3,
    exitSignal: null,
    recorded: true,
    state: 'complete',
    evidence: 'sealed',
  })
})

test('a list has items, next and total, and pages do not overlap', async (t) => {
  for (const command of ['one', 'two', 'three']) await record(product, 'pager', command)
  const first = listOf(Session).parse(await product.api('/api/sessions?user=pager&limit=2'))
  t.is(first.items.length, 2)
  t.deepEqual(first.total, { value: 3, relation: 'eq' })
  const second = listOf(Session).parse(await product.api(`/api/sessions?user=pager&limit=2&cursor=${first.next}`))
  t.is(second.items.length, 1)
  t.is(second.next, null)
  t.is(new Set([...first.items, ...second.items].map((session) => session.id)).size, 3)
})

test('a session is found by a command typed in it, and its commands are listed', async (t) => {
  const found = async () => {
    const { items } = (await product.api('/api/sessions?q=needle')) as Listed
    return items.map((session) => session.id)
  }
  await until(async () => (await found()).length > 0)
  t.deepEqual(await found(), [id])
  const commands = (await product.api(`/api/sessions/${id}/commands`)) as Listed
  t.like(commands.items[0], { line: 'grep -r needle /etc', via: 'typed' })
  const hits = (await product.api('/api/search?q=needle&in=commands')) as Listed
  t.like(hits.items[0], { sessionId: id })
})

test('the export as NDJSON holds every byte', async (t) => {
  const text = await (await product.raw(`/api/sessions/${id}/export?format=ndjson`)).text()
  const frames = text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { stream: string; dataB64: string })
  const output = Buffer.concat(
    frames.filter(({ stream }) => stream === 'ttyout').map(({ dataB64 }) => Buffer.from(dataB64, 'base64')),
  )
  t.true(output.includes(Buffer.from([0xff, 0xfe])))
  t.true(output.includes('grep -r needle /etc'))
  t.false(text.includes('SECRET_OF_USER'))
})

test('cast and text are served as attachments', async (t) => {
  const cast = await product.raw(`/api/sessions/${id}/export?format=cast`)
  t.regex(cast.headers.get('content-disposition') ?? '', new RegExp(`^attachment; filename="?${id}.cast"?$`))
  t.like(JSON.parse((await cast.text()).split('\n')[0]!), { version: 2 })
  t.true((await (await product.raw(`/api/sessions/${id}/export?format=txt`)).text()).includes('grep -r needle /etc'))
})

test('replay is one segment that starts from an empty screen', async (t) => {
  const index = (await product.api(`/api/sessions/${id}/replay/index.json`)) as {
    duration: number
    segments: { url: string }[]
  }
  const segment = (await product.api(`/api/sessions/${id}/replay/${index.segments[0]!.url}`)) as { events: [number][] }
  t.is(segment.events.at(-1)![0], index.duration)
})

test('without credentials everything but health and the console is refused', async (t) => {
  for (const path of ['/api/sessions', `/api/sessions/${id}`, '/api/events', '/api/tokens', '/metrics', '/api/me']) {
    await problem(t, await product.raw(path, { headers: { authorization: '' } }), 401, 'BTZ_AUTH_REQUIRED')
    await problem(
      t,
      await product.raw(path, { headers: { authorization: 'Bearer btz_wrong' } }),
      401,
      'BTZ_AUTH_REQUIRED',
    )
  }
  t.is((await product.raw('/healthz', { headers: { authorization: '' } })).status, 200)
})

test('each role may do what it needs and no more', async (t) => {
  const expected: Record<string, [path: string, status: number][]> = {
    analyst: [
      ['/api/sessions', 200],
      [`/api/sessions/${id}/export?format=txt`, 200],
      ['/api/tokens', 403],
    ],
    siem: [
      ['/api/events', 200],
      [`/api/sessions/${id}`, 403],
      ['/api/sessions?q=x', 403],
    ],
    ingest: [
      ['/api/sessions', 403],
      ['/api/events', 403],
    ],
    oncall: [
      [`/api/sessions/${id}`, 200],
      [`/api/sessions/${id}/export?format=txt`, 403],
    ],
  }
  for (const [role, cases] of Object.entries(expected)) {
    const as = await tokenFor(product, role)
    for (const [path, status] of cases) t.is((await product.raw(path, as)).status, status, `${role} ${path}`)
  }
})

test('agents are seen by admins and auditors, changed by admins only, and what was done to them is in the audit trail', async (t) => {
  const list = (await product.api('/api/agents')) as Listed
  t.deepEqual(list.total, { value: list.items.length, relation: 'eq' })
  const auditor = await tokenFor(product, 'auditor')
  for (const path of ['/api/agents', '/api/posture']) t.is((await product.raw(path, auditor)).status, 200)
  for (const role of ['analyst', 'oncall', 'siem', 'ingest'])
    t.is((await product.raw('/api/agents', await tokenFor(product, role))).status, 403, role)

  const revoke = { method: 'POST', body: '{"reason":"sold"}' }
  t.is((await product.raw('/api/agents/jump-9/revoke', { ...auditor, ...revoke })).status, 403)
  const none = { certificates: 0, tokens: 0, signingKeys: 0 }
  t.deepEqual(await product.api('/api/agents/jump-9/revoke', revoke), none)
  await problem(t, await product.raw('/api/agents/-/revoke', revoke), 400, 'BTZ_REQUEST_INVALID')
  const code = { method: 'POST', body: '{"forMs":60000}' }
  await problem(t, await product.raw('/api/agents/jump-9/codes', code), 503, 'BTZ_UNAVAILABLE')
  await until(
    async () => {
      const { items } = (await product.api('/api/events?kind=access&limit=200')) as Listed
      return items.some(({ action, object, reason }) => `${action} ${object} ${reason}` === 'agent.revoke jump-9 sold')
    },
    { what: 'audit trail' },
  )
})

test('a browser revokes an agent only by a request that no foreign page can make', async (t) => {
  const cookie = (await cookieOf(product, 'admin')).split(';')[0]!
  const as = (headers: Record<string, string>) =>
    product.raw('/api/agents/jump-9/revoke', { method: 'POST', headers: { authorization: '', cookie, ...headers } })
  await problem(t, await as({}), 403, 'BTZ_FORBIDDEN')
  t.is((await as({ 'x-bartizan': '1' })).status, 200)
})

test('a token of an agent cannot speak for another bastion', async (t) => {
  const as = await tokenFor(product, 'ingest')
  const event = {
    id: 'forged-event-1',
    at: new Date().toISOString(),
    kind: 'privilege_change',
    source: 'x',
    bastion: 'test-bastion',
    method: 'su',
  }
  const answer = await product.raw('/api/ingest/events', { ...as, method: 'POST', body: `${JSON.stringify(event)}\n` })
  t.true(answer.status === 403 || ((await answer.json()) as { rejected: unknown[] }).rejected.length === 1)
})

test('who viewed, searched and exported stands in the events, before the answer', async (t) => {
  const as = await tokenFor(product, 'auditor')
  await product.raw(`/api/sessions/${id}`, as)
  await product.raw(`/api/sessions/${id}/replay/index.json`, as)
  await product.raw('/api/sessions?q=needle', as)
  const actions = async () => {
    const { items } = (await product.api('/api/events?kind=access&limit=200')) as Listed
    return items.filter(({ user }) => user === 'auditor').map(({ action, object }) => `${action} ${object}`)
  }
  const wanted = [`session.view ${id}`, `session.replay ${id}`, 'search needle']
  await until(async () => wanted.every(Set.prototype.has, new Set(await actions())), { what: 'audit trail' })
  const all = await actions()
  for (const action of wanted) t.is(all.filter((one) => one === action).length, 1, action)
})

test('an unknown parameter, id, format, cursor or route is a problem that says so', async (t) => {
  await problem(t, await product.raw('/api/sessions?usr=alice'), 400, 'BTZ_REQUEST_INVALID')
  await problem(t, await product.raw('/api/sessions/nothing'), 404, 'BTZ_NOT_FOUND')
  await problem(t, await product.raw(`/api/sessions/${id}/export?format=mp4`), 400, 'BTZ_REQUEST_INVALID')
  await problem(t, await product.raw('/api/sessions?cursor=zzz'), 400, 'BTZ_CATALOG_CURSOR')
  await problem(t, await product.raw('/api/nothing'), 404, 'BTZ_NOT_FOUND')
  await problem(t, await product.raw('/api/tokens', { method: 'POST', body: '{"role":' }), 400, 'BTZ_REQUEST_INVALID')
})

test('a running session is ended by an order, with the reason told to its user', async (t) => {
  const client = await connectSudoClient(product.endpoints.sudoPort)
  client.accept(loginInfos({ submituser: 'eve' }))
  const open = await client.logId()
  client.io('ttyoutBuf', '$ ')
  await until(async () => (await product.raw(`/api/sessions/${open}`)).status === 200, { what: 'listed' })
  const order = await product.raw(`/api/sessions/${open}/terminate`, {
    method: 'POST',
    body: '{"reason":"compromised key"}',
  })
  t.is(order.status, 202)
  await until(() => client.heard.aborts.length > 0, { limitMs: 3000, what: 'abort' })
  t.regex(client.heard.aborts[0]!, /compromised key/)
  client.vanish()
  const now = async () => Session.parse(await product.api(`/api/sessions/${open}`))
  await until(async () => (await now()).endedAt !== null, { what: 'ended' })
  t.like(await now(), { user: 'eve', exitCode: null })
})

test('a browser session comes from a one-time link and is bound by its cookie', async (t) => {
  const cookie = await cookieOf(product, 'analyst')
  t.regex(cookie, /HttpOnly/)
  t.regex(cookie, /SameSite=Strict/)
  const headers = { authorization: '', cookie: cookie.split(';')[0]! }
  t.like(await (await product.raw('/api/me', { headers })).json(), { name: 'dana', role: 'analyst' })
  await problem(
    t,
    await product.raw(`/api/sessions/${id}/terminate`, { method: 'POST', body: '{"reason":"forged"}', headers }),
    403,
    'BTZ_FORBIDDEN',
  )
  const signOut = await product.raw('/api/sign-out', { method: 'POST', headers: { ...headers, 'x-bartizan': '1' } })
  t.is(signOut.status, 204)
  t.is((await product.raw('/api/me', { headers })).status, 401)
})

test('the contract is published, and names every route the console uses', async (t) => {
  const document = (await product.api('/api/openapi.json')) as { paths: Record<string, unknown> }
  for (const path of [
    '/api/sessions',
    '/api/sessions/{id}/replay/index.json',
    '/api/events',
    '/api/search',
    '/api/agents',
    '/api/agents/{bastion}/codes',
    '/api/agents/{bastion}/revoke',
    '/api/posture',
    '/api/ingest/batches',
    '/api/ingest/recordings',
    '/api/ingest/recordings/jobs/{id}',
  ]) {
    t.truthy(document.paths[path], path)
  }
})

test('pages come with a policy that lets no foreign script run', async (t) => {
  const page = await product.raw('/sessions', { headers: { authorization: '' } })
  const policy = page.headers.get('content-security-policy') ?? ''
  t.regex(policy, /default-src 'none'/)
  t.notRegex(policy, /script-src[^;]*'unsafe-(inline|eval)'/)
})
