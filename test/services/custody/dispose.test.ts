import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test, { type ExecutionContext } from 'ava'
import { v7 as uuidv7 } from 'uuid'
import type { Backends } from '#services/backends.ts'
import { actsPrefix, openAct } from '#services/custody/act-format.ts'
import { planDisposal, runDisposal } from '#services/custody/dispose/dispose.ts'
import { leafOfObject } from '#services/proofs/leaf.ts'
import { createLogReader } from '#services/proofs/log-reader.ts'
import { verifierOf } from '#services/proofs/note.ts'
import { createFileDisposalStore } from '#services/recordings/file-disposal-store.ts'
import { createFileHoldStore } from '#services/recordings/file-hold-store.ts'
import { dateOf, sessionPrefix } from '#services/recordings/format/evidence-keys.ts'
import { SessionId } from '#services/schema/ids.ts'
import { openDisposalPlace, requester } from '#test/helpers/disposal.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'

const dayMs = 86_400_000
const run = { reason: 'its time is over', by: requester, limit: 1_000, tell: () => {} }
const inDays = (days: number) => new Date(Date.now() + days * dayMs)

/** A store whose time is ten days from now: what is kept a day is past its date there. */
const later = (folder: string) => createFileDisposalStore(folder, { now: () => Date.now() + 10 * dayMs })

const newSession = () => {
  const sessionId = SessionId.parse(uuidv7())
  return { sessionId, prefix: sessionPrefix(dateOf(Date.now()), sessionId) }
}
const store = async ({ recordings, keys }: Backends, days: number, names = ['000000000000', 'manifest-0001']) => {
  const session = newSession()
  await keys.obtain(`session:${session.sessionId}`)
  for (const name of names)
    await recordings.put(session.prefix + name, Buffer.from(name), { retainUntil: inDays(days) })
  return session
}
const open = async (t: ExecutionContext) => {
  const data = join(await temporaryFolder(t), 'data')
  const place = await openDisposalPlace(data, async () => later(data))
  t.teardown(place.close)
  const keysLeft = async () => {
    const left: string[] = []
    for await (const [version] of place.store.versions('evidence/')) left.push(version!.key)
    return left.filter((key) => !key.includes('/acts/'))
  }
  return { ...place, data, keysLeft }
}
const disposals = async ({ recordings, logKey }: Backends) => {
  const found = await recordings.list(actsPrefix(null), { limit: 100 })
  return Promise.all(
    found.map(async ({ key }) => {
      const bytes = await recordings.get(key)
      const act = openAct(bytes, verifierOf(logKey))
      if (act.kind !== 'disposal') throw new Error(act.kind)
      return { act, leaf: leafOfObject('act', key, bytes).id }
    }),
  )
}

test('exactly what is past its date and not held goes, with the key of the session; the act and its leaf say which', async (t) => {
  const { backends, custody, context, keysLeft, data } = await open(t)
  const [old, held, kept, marked, longer] = [
    await store(backends, 1),
    await store(backends, 1),
    await store(backends, 30),
    await store(backends, 1),
    await store(backends, 1),
  ]
  await custody.hold(held.sessionId, { reason: 'a court asks', by: { id: 'x', name: 'alice', role: 'custodian' } })
  const holds = createFileHoldStore({ folder: data, immutable: false, recordings: backends.recordings })
  for (const name of ['000000000000', 'manifest-0001']) await holds.setHold(marked.prefix + name, true)
  const by = { id: 'x', name: 'alice', role: 'custodian' } as const
  await custody.retain(longer.sessionId, { until: inDays(100), reason: 'an audit', by })

  t.like(await planDisposal(context, () => {}), { objects: 2, kept: { retained: 4, held: 4, undated: 0 } })
  t.is((await keysLeft()).length, 10, 'a plan removes nothing')
  const tally = await runDisposal(context, run)
  t.like(tally, { objects: 2, sessions: 1, kept: { retained: 4, held: 4, undated: 0 } })
  t.false((await keysLeft()).some((key) => key.startsWith(old.prefix)))
  t.is((await keysLeft()).length, 8)
  await t.throwsAsync(backends.keys.get(`session:${old.sessionId}`), { code: 'BTZ_KEY_DESTROYED' })
  for (const { sessionId } of [held, kept, marked, longer]) await backends.keys.get(`session:${sessionId}`)

  const [said, ...others] = await disposals(backends)
  t.deepEqual(others, [])
  t.like(said!.act, { reason: 'its time is over', by: [{ name: 'root' }] })
  t.deepEqual(
    said!.act.objects.map(({ key }) => key),
    ['000000000000', 'manifest-0001'].map((name) => old.prefix + name),
  )
  const reader = createLogReader(backends.recordings, verifierOf(backends.logKey))
  t.not(await reader.indexOf(said!.leaf), null)
  t.deepEqual(
    await readdir(join(data, old.prefix, '..')),
    [held, kept, marked, longer].map((each) => each.sessionId),
  )
  t.like(await runDisposal(context, run), { objects: 0, sessions: 0 })
  t.is((await disposals(backends)).length, 1, 'nothing to do: nothing is said')
})

test('nothing goes before the log vouches for the act, and what is held meanwhile stays', async (t) => {
  const { backends, custody, context, keysLeft } = await open(t)
  const [old, held] = [await store(backends, 1), await store(backends, 1)]
  const silent = { ...context, checkpoint: async () => {}, limitMs: 50 }
  await t.throwsAsync(runDisposal(silent, run), { code: 'BTZ_UNAVAILABLE', message: /no checkpoint/ })
  t.is((await keysLeft()).length, 4)
  await custody.hold(held.sessionId, { reason: 'a court asks', by: { id: 'x', name: 'alice', role: 'custodian' } })
  t.like(await runDisposal(context, run), { objects: 2, sessions: 1 })
  t.deepEqual(
    await keysLeft(),
    ['000000000000', 'manifest-0001'].map((name) => held.prefix + name),
  )
  t.false((await keysLeft()).some((key) => key.startsWith(old.prefix)))
  t.is((await disposals(backends)).length, 1, 'the act of before is carried out, not another one')
})

test('acts hold at most 250 objects, a run at most as many as it may', async (t) => {
  const { backends, context, keysLeft, data } = await open(t)
  const { prefix } = await store(backends, 1, ['000000000000'])
  const until = String(Date.now() + dayMs).padStart(16, '0')
  for (let n = 1; n < 256; n++) {
    const file = join(data, prefix, String(n).padStart(12, '0'))
    for (const name of [file, `${file}@retain-${until}`]) await writeFile(name, '')
  }
  t.is((await runDisposal(context, { ...run, limit: 4 })).objects, 4)
  t.is((await keysLeft()).length, 252)
  t.like(await runDisposal(context, run), { objects: 252, sessions: 1 })
  t.deepEqual((await disposals(backends)).map(({ act }) => act.objects.length).sort(), [2, 250, 4])
})

const child = fileURLToPath(new URL('../../helpers/disposal-child.ts', import.meta.url))
const stepsBetweenKills = Number(process.env.STEPS_BETWEEN_KILLS ?? 6) // 1: a kill at each

test('killed -9 in the middle, the next run does the rest, under the same act', async (t) => {
  t.timeout(5 * 60_000)
  const data = join(await temporaryFolder(t), 'data')
  const before = await openDisposalPlace(data, async () => later(data))
  const [old, kept] = [await store(before.backends, 1), await store(before.backends, 30)]
  await before.close()
  let kills = 0
  const runs = async (killBefore: number) =>
    (await once(spawn(process.execPath, [child, data, String(killBefore)], { stdio: 'inherit' }), 'exit'))[0] === 0
  while (!(await runs(2 + kills * stepsBetweenKills))) kills++
  t.true(kills >= 1)
  t.log(`${kills} kills`)
  const after = await openDisposalPlace(data, async () => later(data))
  t.teardown(after.close)
  t.like(await planDisposal(after.context, () => {}), { objects: 0, kept: { retained: 2 } })
  await t.throwsAsync(after.backends.keys.get(`session:${old.sessionId}`), { code: 'BTZ_KEY_DESTROYED' })
  await after.backends.keys.get(`session:${kept.sessionId}`)
  const acts = await disposals(after.backends)
  t.is(acts.length, 1)
  t.deepEqual(await after.backends.state.list('disposal/', { limit: 1 }), [])
})

const isRootOnExt = (folder: string): boolean => {
  try {
    execFileSync('chattr', ['+i', folder], { stdio: 'ignore' })
    execFileSync('chattr', ['-i', folder], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

test('what root made immutable goes too, with its marks', async (t) => {
  const { backends, context, data, keysLeft } = await open(t)
  const { prefix } = await store(backends, 1)
  if (!isRootOnExt(join(data, prefix))) return t.pass('needs root and chattr')
  for (const name of await readdir(join(data, prefix))) execFileSync('chattr', ['+i', join(data, prefix, name)])
  await runDisposal(context, run)
  t.deepEqual(await keysLeft(), [])
  t.false((await readdir(join(data, prefix, '..'))).length > 0)
})
