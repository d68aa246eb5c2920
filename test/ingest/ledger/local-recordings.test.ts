import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { createConnectionLedger } from '#ingest/ledger/connection-ledger.ts'
import type { Catalog } from '#services/catalog/catalog.ts'
import { createLogger } from '#services/log.ts'
import { graceMs } from '#services/schema/ledger-deadlines.ts'
import type { SessionEvent } from '#services/schema/session-event.ts'
import { at, sessionRow, update } from '#test/contract/catalog-place.ts'
import { openSqliteCatalog } from '#test/helpers/open-sqlite-catalog.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { atTerminal, bastion, beat, leftTerminal, recorded } from './sshd-events.ts'

const log = createLogger('ledger', 'silent')
const stay = 'a'.repeat(32)
const others = { connectionId: 'd'.repeat(32), user: 'alice', bastion }

const openPlace = async (t: ExecutionContext) => {
  const catalog = await openSqliteCatalog({ file: join(await temporaryFolder(t), 'catalog.db') })
  t.teardown(() => catalog.close())
  const start = () => {
    const ledger = createConnectionLedger({ catalog, log, graceMs, clock: { now: () => 0 } })
    return async (...events: SessionEvent[]): Promise<void> => {
      await catalog.putEvents(events)
      await ledger.take(events)
    }
  }
  return { catalog, take: start(), restarted: start }
}
const rows = async (catalog: Catalog) =>
  (await catalog.sessions({ limit: 100 })).items.map(({ state, hook, user, runAs, tty, argv, startedAt, endedAt }) => ({
    ...{ state, hook, user, runAs, tty, argv, startedAt, endedAt },
  }))
const missing = {
  ...{ state: 'missing', hook: 'auth-log', user: 'alice', runAs: 'root', tty: '/dev/pts/3', argv: ['sudo'] },
  ...{ startedAt: at(1), endedAt: at(30) },
}

test('a sudo at a terminal of the bastion that nobody recorded is listed when its time has come, with who, as whom and where', async (t) => {
  const { catalog, take } = await openPlace(t)
  await take(atTerminal(1, stay), leftTerminal(2, stay), leftTerminal(30, stay))
  await take(beat(60))
  t.deepEqual(await rows(catalog), [])
  await take(beat(61))
  t.deepEqual(await rows(catalog), [missing])
})

test('one that is recorded itself, or begins inside of a recorded session, is no gap', async (t) => {
  for (const startedAt of [-3_600, 0.5, 1.4, 11]) {
    const { catalog, take } = await openPlace(t)
    await catalog.indexFrames(update(sessionRow(startedAt, others), [0, 1]))
    await take(atTerminal(1, stay), beat(100))
    t.deepEqual(
      (await rows(catalog)).map(({ hook }) => hook),
      ['sudo'],
      `recorded at ${startedAt} s`,
    )
  }
})

test('a recording of somebody else, of another time, or around a console explains nothing', async (t) => {
  const cases = [
    { startedAt: 1.4, session: { ...others, user: 'bob' }, ttyName: 'pts/3' },
    { startedAt: 1.4, session: { ...others, bastion: 'bastion-2' }, ttyName: 'pts/3' },
    { startedAt: 40, session: others, ttyName: 'pts/3' },
    { startedAt: -3_600, session: { ...others, endedAt: at(-60), state: 'complete' as const }, ttyName: 'pts/3' },
    { startedAt: -3_600, session: others, ttyName: 'tty1' },
  ]
  for (const { startedAt, session, ttyName } of cases) {
    const { catalog, take } = await openPlace(t)
    await catalog.indexFrames(update(sessionRow(startedAt, session), [0, 1]))
    await take(atTerminal(1, stay, { ttyName }), beat(100))
    t.is((await rows(catalog)).filter(({ state }) => state === 'missing').length, 1, JSON.stringify(session))
  }
})

test('a recording that comes an hour late takes the row away, also after a restart', async (t) => {
  const { catalog, take } = await openPlace(t)
  await take(atTerminal(1, stay), leftTerminal(30, stay), beat(100))
  t.deepEqual(await rows(catalog), [missing])
  const late = [beat(3_600), recorded(1.4, 'late-one', { connectionId: 'd'.repeat(32) })]
  await take(...late)
  t.deepEqual(await rows(catalog), [])

  const other = await openPlace(t)
  await other.take(atTerminal(1, stay), leftTerminal(30, stay), beat(100))
  await other.restarted()(...late)
  t.deepEqual(await rows(other.catalog), [])
})
