import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test, { type ExecutionContext } from 'ava'
import { openBackends } from '#services/backends.ts'
import { systemClock } from '#services/clock.ts'
import { noteErased } from '#services/erasure/erased-sessions.ts'
import { acquireLock } from '#services/lock/sqlite-lock.ts'
import { createLogger } from '#services/log.ts'
import { EndReason } from '#services/schema/generated/frame_batch_pb.ts'
import { SessionId } from '#services/schema/ids.ts'
import { recordedSession, shown } from '#test/helpers/recorded-session.ts'
import { seededRandom } from '#test/helpers/seeded-random.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { until } from '#test/helpers/until.ts'
import { type ErasurePlace, openErasurePlace } from '../../flow/erasure-place.ts'
import { derivedIn, derivedOf, textsOf } from './place.ts'

const cli = fileURLToPath(new URL('../../../cli/bartizan.ts', import.meta.url))

const vim = '\x1b[?1049h\x1b[H~ a word inside vim\x1b[24;1H-- INSERT --'
const json = (value: object) => Buffer.from(JSON.stringify(value))

/** A session without an end, one with a batch that never came, and a login that nobody recorded. */
const recordMore = async ({ backends: { bus } }: ErasurePlace): Promise<void> => {
  const [open, holed] = [recordedSession({ user: 'bob' }, Date.now() - 1_000), recordedSession({ user: 'carol' })]
  const opened = [open.first(shown('$ ')), open.next(shown(vim))]
  // More than may wait for the one that never comes.
  const left = [holed.first(shown('one\r\n')), holed.next(shown('lost\r\n'))]
  for (let n = 0; n < 64; n++) left.push(holed.next(shown(`line ${n}\r\n`)))
  left.push(holed.end(EndReason.EXIT, {}, shown('two')))
  left.splice(1, 1)
  const at = new Date(Date.now() - 7_200_000).toISOString()
  const login = {
    ...{ id: 'login-unrecorded', at, kind: 'login', source: 'openssh', bastion: 'jump1', user: 'dave' },
    ...{ sourceIp: '203.0.113.7', outcome: 'success', connectionId: 'd'.repeat(32), method: 'publickey' },
  }
  const started = { ...login, id: 'started-unrecorded', kind: 'session_started', protocol: 'ssh', tty: true }
  await bus.produce([
    ...opened.map((value) => ({ topic: 'session-frames' as const, key: open.sessionId, value })),
    ...left.map((value) => ({ topic: 'session-frames' as const, key: holed.sessionId, value })),
    ...[login, started].map((one) => ({ topic: 'session-events' as const, key: 'jump1', value: json(one) })),
  ])
}
const isQuiet = async ({ backends: { bus } }: ErasurePlace): Promise<boolean> =>
  (await bus.lag())
    .filter(({ group }) => ['indexer', 'screen', 'recorder', 'event-recorder'].includes(group))
    .every(({ committed, end }) => committed === end)

const recorded = async (t: ExecutionContext, sessions: number) => {
  const place = await openErasurePlace(await temporaryFolder(t))
  t.teardown(place.close)
  const ids: string[] = []
  for (let n = 0; n < sessions; n++) ids.push(await place.record())
  await recordMore(place)
  const isAll = async () => {
    await place.drain()
    const { items } = await place.backends.catalog.alerts({ limit: 10 })
    const unended = (await place.backends.catalog.sessions({ state: 'open', limit: 10 })).items
    const states = (await place.backends.catalog.sessions({ limit: 100 })).items.map(({ state }) => state)
    return (await isQuiet(place)) && items.length > 0 && unended.length >= 1 && states.includes('truncated')
  }
  await until(isAll, { limitMs: 90_000, everyMs: 200, what: 'all to be derived' })
  return { ...place, ids, file: join(place.data, 'catalog.db') }
}
const removeCatalog = async (file: string) => {
  for (const suffix of ['', '-wal', '-shm']) await rm(`${file}${suffix}`, { force: true })
}

const started = (data: string, ...args: string[]) =>
  spawn(process.execPath, [cli, 'reindex', '--json', ...args], {
    env: { PATH: process.env.PATH, BARTIZAN_DATA: data, BARTIZAN_BASTION: 'jump1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
const ended = async (data: string, ...args: string[]) => {
  const child = started(data, ...args)
  let [out, err] = ['', '']
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk
  })
  child.stderr.on('data', (chunk: Buffer) => {
    err += chunk
  })
  const [code] = await once(child, 'close')
  return { code: code as number, err, tally: out === '' ? null : JSON.parse(out) }
}

test('after the catalog was lost all that stands in evidence comes back as it was, however often a reindex is killed', async (t) => {
  const place = await recorded(t, 3)
  await place.close()
  const before = { derived: await derivedIn(place.config), texts: textsOf(place.file) }
  t.true(before.derived.sessions.length >= 6, 'sessions, one of them unrecorded')
  t.true(JSON.stringify(before.texts).includes('qzwprinted7x'))
  t.true(before.derived.alerts.length > 0)
  await removeCatalog(place.file)
  const random = seededRandom(8)
  for (let kills = 0; kills < 2; kills++) {
    const child = started(place.data)
    const closed = once(child, 'close')
    const progressed = once(child.stderr, 'data')
    await Promise.race([closed, progressed])
    setTimeout(() => child.kill('SIGKILL'), random() * 300)
    await closed
  }
  const { code, err, tally } = await ended(place.data)
  t.is(code, 0, err)
  t.like(tally, { damaged: 0, erased: 0 })
  t.deepEqual(await derivedIn(place.config), before.derived)
  t.deepEqual(textsOf(place.file), before.texts)
})

test('it refuses while an instance runs; views alone can be made anew; an erased session stays erased', async (t) => {
  const place = await recorded(t, 2)
  const lock = await acquireLock(join(place.data, 'lock.db'), { pid: process.pid, what: 'a test' })
  const refused = await ended(place.data)
  t.is(refused.code, 1)
  t.regex(refused.err, /in use by/)
  await lock.release()
  const derived = await derivedOf(place.backends)
  const [id] = place.ids
  await place.backends.views.deleteScreen(id!)
  await place.close()
  const { code, tally } = await ended(place.data, '--views-only', '--session', id!)
  t.is(code, 0)
  t.like(tally, { sessions: 1, events: 0 })
  const after = await derivedIn(place.config)
  t.deepEqual(after, derived)

  const backends = await openBackends(place.config, systemClock, createLogger('reindex', 'silent'))
  const at = new Date()
  await noteErased(backends.state, { sessionId: SessionId.parse(id), bastion: 'jump1', at: at.toISOString() })
  await backends.keys.destroy(`session:${id}`, { reason: 'a test', actor: 'test', at })
  await backends.close()
  await removeCatalog(place.file)
  const again = await ended(place.data)
  t.is(again.code, 0)
  t.like(again.tally, { erased: 1, damaged: 0 })
  const { perSession } = await derivedIn(place.config)
  t.deepEqual(perSession.find((one) => one.id === id)?.commands ?? [], [])
  t.falsy(perSession.find((one) => one.id === id)?.listed)
  t.truthy(perSession.find((one) => one.id === place.ids[1])?.listed)
  t.false(JSON.stringify(textsOf(place.file)).includes(id!))
})
