import test from 'ava'
import { Stream } from '#services/recordings/format/frame-batch.ts'
import { createPlayerTerminal } from '#services/terminal/player-terminal.ts'
import { frame, shown } from '#test/helpers/recorded-session.ts'
import { seededRandom } from '#test/helpers/seeded-random.ts'
import type { Teardown } from '#test/helpers/temporary-folder.ts'
import { startContentPlace } from './content-place.ts'
import { capturedFrames, eventsOf, linearly, storeSession, untilViewed } from './playback/replay-place.ts'
import { openShippedPlayer } from './playback/shipped-player.ts'

type Place = Awaited<ReturnType<typeof startContentPlace>>
type Made = { id: string; url: string; fromMs: number; toMs: number; expiresAt: string }
type Index = { duration: number; segments: { start: number; url: string }[] }

const placeOf = async (t: Teardown, access: object) => {
  const place = await startContentPlace(t, { access })
  const anyone = (path: string, init: RequestInit = {}) =>
    fetch(`http://127.0.0.1:${place.httpPort}${path}`, {
      ...init,
      headers: { ...(init.body && { 'content-type': 'application/json' }), ...init.headers },
    })
  const share = (id: string, body: object, name = 'bob') =>
    place.as(name, 'analyst')(`/api/sessions/${id}/shares`, { method: 'POST', body: JSON.stringify(body) })
  const open = (link: string) => anyone('/api/shared', { method: 'POST', body: JSON.stringify({ link }) })
  /** What a browser has of it that opened the link. */
  const cookieOf = async (url: string): Promise<string> => {
    const answer = await open(url.split('#')[1]!)
    if (answer.status !== 204) throw new Error(`${answer.status} ${await answer.text()}`)
    return answer.headers.get('set-cookie') ?? ''
  }
  return { place, anyone, share, open, cookieOf }
}
const nameAndValue = (cookie: string): string => cookie.split(';')[0]!
const wanted = { expiresInMinutes: 60, reason: 'ticket 7' }
const codeOf = async (answer: Response): Promise<string> => ((await answer.json()) as { code: string }).code

/** All that a browser can get of it. */
const everything = async (anyone: Awaited<ReturnType<typeof placeOf>>['anyone'], cookie: string): Promise<string> => {
  const headers = { cookie: nameAndValue(cookie) }
  const base = '/api/shared/replay/'
  const index = await (await anyone(`${base}index.json`, { headers })).text()
  const { segments } = JSON.parse(index) as Index
  const rest = [...segments.map(({ url }) => base + url), `${base}timeline.json`, '/api/shared/session']
  const texts = await Promise.all(rest.map(async (path) => (await anyone(path, { headers })).text()))
  return [index, ...texts].join('\n')
}

const accessEvents = async (place: Place, id: string, action: string) => {
  const { bus } = place.backends
  const partitions = Array.from({ length: bus.partitions('session-events') }, (_, partition) => partition)
  const rows = await Promise.all(
    partitions.map((partition) => bus.read({ topic: 'session-events', partition }, 0, 10_000)),
  )
  return rows
    .flat()
    .map(({ value }) => JSON.parse(Buffer.from(value).toString()) as Record<string, unknown>)
    .filter((event) => event.action === action && event.object === id)
}

let shared: Awaited<ReturnType<typeof placeOf>>
const undo: (() => unknown)[] = []
test.before(async () => {
  const access = { shares: true, secondPerson: [{ users: ['root'] }] }
  shared = await placeOf({ teardown: (run) => undo.push(run) }, access)
})
test.after.always(async () => {
  for (const run of undo.reverse()) await run()
})

test('without leave by policy there are no links', async (t) => {
  const { share, open } = await placeOf(t, {})
  const answer = await share('01900000-0000-7000-8000-000000000001', wanted)
  t.is(answer.status, 403)
  t.is(await codeOf(answer), 'BTZ_FORBIDDEN')
  t.is((await open(`${'A'.repeat(22)}.${'A'.repeat(43)}`)).status, 404)
})

test('who may not see a session makes no link to it: roles, sessions of their own, a missing second person', async (t) => {
  const { place, share } = shared
  const [id, rooted] = [await place.record('alice'), await place.record('root')]
  const body = JSON.stringify(wanted)
  const as = (role: 'oncall' | 'custodian') =>
    place.as('gus', role)(`/api/sessions/${id}/shares`, { method: 'POST', body })
  for (const role of ['oncall', 'custodian'] as const) t.is((await as(role)).status, 403, role)
  t.is(await codeOf(await share(id, wanted, 'alice')), 'BTZ_OWN_SESSION')
  t.is(await codeOf(await share(rooted, wanted)), 'BTZ_APPROVAL_REQUIRED')
  for (const wrong of [
    { ...wanted, expiresInMinutes: 43_201 },
    { ...wanted, expiresInMinutes: 10_081 }, // of the setting
    { ...wanted, fromMs: 5, toMs: 5 },
    { ...wanted, fromMs: 10 ** 9 },
    { expiresInMinutes: 5 },
  ])
    t.is(await codeOf(await share(id, wrong)), 'BTZ_REQUEST_INVALID')
})

test('a link is opened without an account, on record before anything is shown, and ends when it is revoked', async (t) => {
  const { place, anyone, share, open, cookieOf } = shared
  const id = await place.record('alice')
  const made = (await (await share(id, wanted)).json()) as Made
  t.regex(made.url, /^http:\/\/localhost\/shared#[\w-]{22}\.[\w-]{43}$/)
  t.is((await anyone('/api/shared/session')).status, 401)

  const cookie = await cookieOf(made.url)
  for (const part of ['HttpOnly', 'SameSite=Strict', 'Path=/api/shared']) t.true(cookie.includes(part), part)
  const headers = { cookie: nameAndValue(cookie) }
  const session = (await (await anyone('/api/shared/session', { headers })).json()) as Record<string, unknown>
  t.like(session, { user: 'alice', bastion: 'bastion-1', fromMs: 0, toMs: made.toMs, expiresAt: made.expiresAt })
  t.false('id' in session)
  t.true((await everything(anyone, cookie)).includes('needlealice'))

  const [opened] = await accessEvents(place, id, 'session.share.open')
  t.like(opened, { object: id, reason: 'ticket 7', sourceIp: '127.0.0.1' })
  t.regex(String(opened?.salt), /^[0-9a-f]{64}$/)
  const list = await place.as('bob', 'analyst')(`/api/sessions/${id}/shares`)
  const text = await list.text()
  t.false(text.includes(made.url.split('.').at(-1)!))
  t.like(JSON.parse(text).items[0], { id: made.id, openCount: 1, openings: [{ address: '127.0.0.1' }] })

  for (const path of [`/api/sessions/${id}`, '/api/sessions', '/api/me', '/api/shared/../sessions', '/api/events'])
    t.is((await anyone(path, { headers })).status, 401, path)
  t.is((await anyone('/api/shared/export', { headers })).status, 404)

  const revoke = (name: string) => place.as(name, 'analyst')(`/api/shares/${made.id}`, { method: 'DELETE' })
  t.is((await revoke('eve')).status, 403)
  t.is((await revoke('bob')).status, 204)
  for (const path of ['session', 'replay/index.json', 'replay/segments/0.json', 'replay/timeline.json'])
    t.is((await anyone(`/api/shared/${path}`, { headers })).status, 404, path)
  t.is((await open(made.url.split('#')[1]!)).status, 404)
  t.is((await accessEvents(place, id, 'session.share.revoke')).length, 1)
})

test('nothing of what was only before or after the range leaves the server', async (t) => {
  const { place, anyone, share, cookieOf } = shared
  const before = Array.from({ length: 60 }, (_, line) => shown(`scrolled-secret-${line}\r\n`))
  const id = await storeSession(place, [
    ...before,
    shown('\u001b[2J\u001b[Hunder-the-editor\r\n'),
    shown('\u001b[?1049h\u001b[2J\u001b[Heditor shown'),
    frame(Stream.TTYOUT, '\r\nwithin-one', 1_000),
    frame(Stream.TTYOUT, '\r\nwithin-two', 1_000),
    frame(Stream.TTYOUT, '\r\nlater-secret', 1_000),
    frame(Stream.TTYOUT, '\u001b[?1049l', 1_000),
    shown('the end\r\n'),
  ])
  const all = eventsOf([...before, shown(''), shown('')])
  const editorMs = Math.round(all.at(-1)![0] * 1000) + 20
  for (const withViews of [false, true]) {
    if (withViews) await untilViewed(place, id)
    const range = { fromMs: editorMs + 100, toMs: editorMs + 2_500 }
    const { url } = (await (await share(id, { ...wanted, ...range })).json()) as Made
    const inside = await everything(anyone, await cookieOf(url))
    for (const text of ['editor shown', 'within-one', 'within-two']) t.true(inside.includes(text), text)
    for (const text of ['secret', 'under-the-editor', 'the end']) t.false(inside.includes(text), text)

    const toEnd = (await (await share(id, { ...wanted, fromMs: range.fromMs })).json()) as Made
    const ended = await everything(anyone, await cookieOf(toEnd.url))
    for (const text of ['later-secret', 'under-the-editor', 'the end'])
      t.true(ended.includes(text), `${text}: the editor ends within the range`)
    t.false(ended.includes('scrolled-secret'))
  }
})

test('a part of a real session begins with the screen of its first moment, and goes on as the whole does', async (t) => {
  const seed = Number(process.env.BARTIZAN_REPLAY_SEED ?? Date.now() % 1e9)
  t.log(`seed ${seed}`)
  const random = seededRandom(seed)
  const { place, share, cookieOf } = shared
  const frames = capturedFrames(random, 3)
  const events = eventsOf(frames)
  const id = await storeSession(place, frames)
  await untilViewed(place, id)
  const durationMs = Math.floor(events.at(-1)![0] * 1000)
  for (let round = 0; round < 3; round++) {
    const fromMs = Math.floor(random() * durationMs * 0.8)
    const toMs = fromMs + 1 + Math.floor(random() * (durationMs - fromMs - 1))
    const made = (await (await share(id, { ...wanted, fromMs, toMs })).json()) as Made
    const cookie = nameAndValue(await cookieOf(made.url))
    const url = `http://127.0.0.1:${place.httpPort}/api/shared/replay/index.json`
    const player = await openShippedPlayer(url, { cookie })
    t.true(Math.abs(player.durationSeconds * 1000 - (toMs - fromMs)) < 1e-3)
    const lengthUs = (toMs - fromMs) * 1000
    const moments = Array.from({ length: 5 }, () => Math.floor(random() * (lengthUs - 1)) + 0.5)
    const ordered = [0.5, ...moments].sort((one, other) => one - other)
    const linear = linearly(
      events,
      ordered.map((us) => (fromMs * 1000 + us) / 1e6),
    )
    for (const us of ordered) {
      const whole = linear.next().value ?? createPlayerTerminal({ cols: 1, rows: 1 })
      const part = await player.seek(us / 1e6)
      const { rows } = whole.size()
      // A terminal that is made larger shows lines again that had scrolled off before: these stay dots.
      const isShown = (row: number) => !part.memory.rowText(row).includes('·')
      const drawn = (terminal: typeof whole) =>
        Array.from({ length: rows }, (_, row) => isShown(row) && terminal.drawnLine(row))
      t.deepEqual(part.size(), whole.size())
      t.deepEqual(drawn(part), drawn(whole), `${fromMs} ms + ${us} µs`)
      t.deepEqual(part.cursor(), whole.cursor())
      if (us === 0.5) t.true(Array.from({ length: rows }, (_, row) => row).every(isShown))
    }
    await player.stop()
  }
})

test('what was erased is shown by no link any more, and guesses are slowed down', async (t) => {
  const { place, anyone, share, open, cookieOf } = await placeOf(t, { shares: true })
  const id = await place.record('alice')
  const made = (await (await share(id, wanted)).json()) as Made
  const headers = { cookie: nameAndValue(await cookieOf(made.url)) }
  await place.backends.keys.destroy(`session:${id}`, { reason: 'test', actor: 'test', at: new Date() })
  t.is((await anyone('/api/shared/replay/segments/0.json', { headers })).status, 404)
  await place.backends.catalog.markErasure(id, 'erased')
  for (const path of ['session', 'replay/index.json'])
    t.is((await anyone(`/api/shared/${path}`, { headers })).status, 404)
  t.is((await open(made.url.split('#')[1]!)).status, 404)

  const guess = () => open(`${'A'.repeat(22)}.${'A'.repeat(43)}`)
  const answers = await Promise.all(Array.from({ length: 12 }, guess))
  t.deepEqual([...new Set([...answers, await guess()].map(({ status }) => status))].sort(), [404, 429])
  const slowed = await guess()
  t.is(slowed.status, 429)
  t.regex(slowed.headers.get('retry-after') ?? '', /^\d+$/)
  t.is((await open(made.url.split('#')[1]!)).status, 429)
})

test('a link leads nowhere once who made it may not see the session any more, and why is not told', async (t) => {
  const { place, anyone, share, open, cookieOf } = shared
  const [id, rooted] = [await place.record('alice'), await place.record('root')]
  const post = (body: object) => ({ method: 'POST', body: JSON.stringify(body) })
  const isOpen = async (made: Made): Promise<boolean> => (await open(made.url.split('#')[1]!)).status === 204

  const asked = await place.as('dora', 'analyst')(`/api/sessions/${rooted}/access`, post({ reason: 'why' }))
  const { id: approval } = (await asked.json()) as { id: string }
  const decided = await place.as('fay', 'auditor')(
    `/api/approvals/${approval}`,
    post({ decision: 'approved', reason: 'yes' }),
  )
  t.is(decided.status, 200)
  const byLeave = (await (await share(rooted, wanted, 'dora')).json()) as Made
  t.true(await isOpen(byLeave))
  const [kept] = (await place.backends.state.list('approvals/', { limit: 100 })).filter(({ key }) =>
    key.endsWith(approval),
  )
  await place.backends.state.delete(kept!.key, { ifRevision: kept!.revision })
  t.false(await isOpen(byLeave), 'leave of the second person is over')

  const made = (await (await share(id, wanted, 'hal')).json()) as Made
  const { url } = (await (
    await place.as('root')('/api/login-links', post({ name: 'ivy', role: 'analyst' }))
  ).json()) as { url: string }
  const signedIn = await anyone('/api/sign-in', post({ code: url.split('#')[1] }))
  const browser = { cookie: nameAndValue(signedIn.headers.get('set-cookie') ?? ''), 'x-bartizan': '1' }
  const ofBrowser = await anyone(`/api/sessions/${id}/shares`, { ...post(wanted), headers: browser })
  const signIn = (await ofBrowser.json()) as Made
  t.is((await anyone('/api/sign-out', { method: 'POST', headers: browser })).status, 204)
  t.true(await isOpen(signIn), 'somebody who signed in has nothing that could be taken back')

  const headers = { cookie: nameAndValue(await cookieOf(made.url)) }
  t.is((await anyone('/api/shared/session', { headers })).status, 200)
  const token = (await place.secretOf('hal', 'analyst')).split('_')[1]!
  t.is((await place.as('root')(`/api/tokens/${token}`, { method: 'DELETE' })).status, 204)
  t.is((await anyone('/api/shared/session', { headers })).status, 404)
  t.false(await isOpen(made), 'the token was revoked')
  t.true(await isOpen(signIn))
})
