import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import test, { type ExecutionContext } from 'ava'
import { systemClock } from '#services/clock.ts'
import { actsPrefix, openAct } from '#services/custody/act-format.ts'
import { createErasedSessions } from '#services/erasure/erased-sessions.ts'
import { verifierOf } from '#services/proofs/note.ts'
import type { CustodyAct } from '#services/schema/custody-act.ts'
import type { SessionId } from '#services/schema/ids.ts'
import { carol, type ErasePlaceOptions, eraseMarker, eraseSteps, openErasePlace } from '#test/helpers/erase-place.ts'
import { manualClock } from '#test/helpers/ingest-backends.ts'
import { filesHolding } from '#test/helpers/secret-search.ts'
import { seededRandom } from '#test/helpers/seeded-random.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'

type Place = Awaited<ReturnType<typeof openErasePlace>>

const open = async (t: ExecutionContext, options: Partial<ErasePlaceOptions> = {}) => {
  const place = await openErasePlace({ folder: await temporaryFolder(t), clock: systemClock, ...options })
  t.teardown(place.close)
  return place
}
const actsOf = async (
  { backends }: Place,
  sessionId: SessionId,
): Promise<Extract<CustodyAct, { kind: 'erasure' }>[]> => {
  const { recordings, logKey } = backends
  const acts: CustodyAct[] = []
  for (const { key } of await recordings.list(actsPrefix(sessionId), { limit: 100 }))
    acts.push(openAct(await recordings.get(key), verifierOf(logKey)))
  return acts.filter((act) => act.kind === 'erasure')
}
const leavesOf = async ({ backends }: Place) =>
  (await backends.bus.read({ topic: 'log-entries', partition: 0 }, 0, 100)).map(({ key }) => key)

const expectErased = async (t: ExecutionContext, place: Place, sessionId: SessionId, why: string) => {
  const { backends, custody, data } = place
  t.is((await custody.get(sessionId))?.erasure?.state, 'erased', why)
  t.is((await backends.catalog.session(sessionId))?.evidence, 'erased', why)
  await t.throwsAsync(backends.keys.get(`session:${sessionId}`), { code: 'BTZ_KEY_DESTROYED' })
  const acts = await actsOf(place, sessionId)
  t.deepEqual(
    acts.map(({ state }) => state),
    ['erasing', 'erased'],
    `${why}: each act once`,
  )
  t.is(new Set(await leavesOf(place)).size, 2, why)
  t.deepEqual(await place.approvals.due(), [], why)
  t.deepEqual(await filesHolding(data, eraseMarker), [], why)
}

test('an approved erasure leaves two signed acts with their leaves, and no byte', async (t) => {
  const place = await open(t)
  const sessionId = await place.record()
  t.true((await filesHolding(place.data, eraseMarker)).length > 1)
  await place.round()
  t.is((await place.backends.catalog.session(sessionId))?.evidence, 'sealed', 'nobody decided anything')
  await place.ask(sessionId)
  await place.round()
  await expectErased(t, place, sessionId, 'after one round')
  const [erasing] = await actsOf(place, sessionId)
  t.deepEqual(erasing?.copies, [{ destination: 'siem', items: 3, detail: 'counted' }])
  await place.round()
  await expectErased(t, place, sessionId, 'after another one')
  const { ids, ofBastion } = createErasedSessions({ state: place.backends.state, clock: systemClock })
  t.deepEqual([[...(await ids())], await ofBastion('bastion-1', 10)], [[sessionId], [sessionId]])
})

test('a hold that comes between the approval and the erasure keeps the session', async (t) => {
  const place = await open(t)
  const sessionId = await place.record()
  await place.ask(sessionId)
  await place.custody.hold(sessionId, { reason: 'a court asks', by: carol })
  await place.round()
  t.is((await place.custody.get(sessionId))?.erasure, null)
  t.is((await place.backends.catalog.session(sessionId))?.evidence, 'sealed')
  t.true((await place.backends.keys.get(`session:${sessionId}`)).byteLength > 0)
  t.is((await place.approvals.due()).length, 1, 'it waits for the end of the hold')
})

test('while a backup may have the key it is erasing, and erased when the last one is gone', async (t) => {
  const clock = manualClock()
  const place = await open(t, { clock, backupDays: 30 })
  const sessionId = await place.record()
  await place.ask(sessionId)
  await place.round()
  const [erasing] = await actsOf(place, sessionId)
  t.is(Date.parse(erasing!.until), clock.now() + 30 * 86_400_000)
  t.is((await place.backends.catalog.session(sessionId))?.evidence, 'erasing')
  t.deepEqual(await filesHolding(place.data, eraseMarker), [])
  clock.advance(29 * 86_400_000)
  await place.round()
  t.is((await actsOf(place, sessionId)).length, 1)
  clock.advance(86_400_000)
  await place.round()
  await expectErased(t, place, sessionId, 'later')
})

test('whatever fails on the way, the next round does the rest', async (t) => {
  const left = [...eraseSteps]
  const place = await open(t, {
    before: async (what) => {
      if (what !== left[0]) return
      left.shift()
      throw new Error(`no ${what}`)
    },
  })
  const sessionId = await place.record()
  await place.ask(sessionId)
  for (let round = 0; left.length > 0; round++) {
    if (round > 2 * eraseSteps.length) return t.fail(`never came to ${left[0]}`)
    await place.round().catch(() => {})
  }
  await place.round()
  await expectErased(t, place, sessionId, 'in the end')
})

const child = fileURLToPath(new URL('../../helpers/erase-child.ts', import.meta.url))
const roundIn = async (folder: string, killBefore: string) => {
  const run = spawn(process.execPath, [child, folder, killBefore], { stdio: ['ignore', 'ignore', 'inherit'] })
  const [code, signal] = await once(run, 'close')
  return signal ?? code
}

// All steps: ERASE_KILLS=all.
test('killed -9 before any of its steps, it is done by whoever starts next', async (t) => {
  const seed = Number(process.env.ERASE_SEED ?? Math.floor(Math.random() * 2 ** 31))
  t.log(`ERASE_SEED=${seed}`)
  const random = seededRandom(seed)
  const middle = eraseSteps.indexOf('drafted end')
  const some = [Math.floor(random() * middle), middle + Math.floor(random() * (eraseSteps.length - middle))]
  const kills = process.env.ERASE_KILLS === 'all' ? eraseSteps : some.map((at) => eraseSteps[at]!)
  const folder = await temporaryFolder(t)
  const first = await openErasePlace({ folder, clock: systemClock })
  const sessionId = await first.record()
  await first.ask(sessionId)
  await first.close()
  for (const step of kills) t.is(await roundIn(folder, step), 'SIGKILL', step)
  t.is(await roundIn(folder, ''), 0)
  const place = await openErasePlace({ folder, clock: systemClock })
  t.teardown(place.close)
  await expectErased(t, place, sessionId, 'in the end')
})
