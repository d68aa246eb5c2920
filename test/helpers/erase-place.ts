import { join } from 'node:path'
import { pino } from 'pino'
import { type EraseContext, eraseDue } from '#ingest/custody/erase.ts'
import { createApprovals } from '#services/approvals/approvals.ts'
import { embedded } from '#services/backends.ts'
import type { Clock } from '#services/clock.ts'
import { Config } from '#services/config.ts'
import { createCustody } from '#services/custody/custody.ts'
import { createErasure } from '#services/erasure/erasure.ts'
import type { SessionId } from '#services/schema/ids.ts'
import { command, ended, event, sessionRow, update } from '#test/contract/catalog-place.ts'

export const eraseMarker = 'zqerase9marker'
const person = (name: string) => ({ id: `id-${name}`, name, role: 'custodian' as const, bastion: null })
export const [carol, dora] = [person('carol'), person('dora')]

export type ErasePlaceOptions = {
  folder: string
  clock: Clock
  backupDays?: number
  /** Before each thing that an erasure makes durable, or destroys. */
  before?: (what: string) => Promise<void>
}

/** All of them, in their order: of the erasure, and of its end. */
const again = ['key', 'bus', 'rows', 'expunge catalog', 'expunge state']
export const eraseSteps = [
  ...['begin', 'approval done', 'state', 'mark', ...again, 'drafted', 'act', 'leaf', 'applied'],
  ...['drafted end', ...again, 'act', 'leaf', 'mark', 'ended'],
]

/** What the custodian erases with, on real back ends, and nothing else that runs. */
export const openErasePlace = async ({ folder, clock, backupDays = 0, before = async () => {} }: ErasePlaceOptions) => {
  const log = pino({ level: 'silent' })
  const config = Config.parse({ data: join(folder, 'data'), bus: { partitions: 1 }, viewer: { readers: 1 } })
  const backends = await embedded(config, clock, log)
  const { bus, catalog, keys, recordings, state } = backends
  const told =
    <A extends unknown[], R>(what: string, act: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      await before(what)
      return act(...args)
    }
  const custody = createCustody({ state, clock })
  const approvals = createApprovals({ state, clock })
  const erasure = createErasure({ custody, clock })
  const context: EraseContext = {
    ...{ clock, log, backupDays, logKey: backends.logKey, maxRetentionYears: 10 },
    approvals: { due: approvals.due, done: told('approval done', approvals.done) },
    custody,
    erasure: {
      begin: told('begin', erasure.begin),
      drafted: told('drafted', erasure.drafted),
      applied: told('applied', erasure.applied),
      draftedEnd: told('drafted end', erasure.draftedEnd),
      ended: told('ended', erasure.ended),
    },
    state: { ...state, put: told('state', state.put), expunge: told('expunge state', state.expunge) },
    keys: { destroy: told('key', keys.destroy) },
    catalog: {
      session: catalog.session,
      markErasure: told('mark', catalog.markErasure),
      eraseSession: told('rows', catalog.eraseSession),
      expunge: told('expunge catalog', catalog.expunge),
    },
    recordings: { put: told('act', recordings.put) },
    bus: { produce: told('leaf', bus.produce), erase: told('bus', bus.erase) },
    copiesOf: async () => [{ destination: 'siem', items: 3, detail: 'counted' }],
    forgetFindings: async () => 0,
    busRetentionMs: 7 * 86_400_000,
    settleMs: 0,
  }
  return {
    ...{ backends, custody, approvals, data: config.data },
    round: () => eraseDue(context),
    /** A session that is sealed, and something of it everywhere. */
    record: async (): Promise<SessionId> => {
      const row = ended(sessionRow(0, { argv: ['cat', eraseMarker] }), 60)
      const typed = command(`cat ${eraseMarker}`, { argv: ['cat', eraseMarker] })
      await keys.obtain(`session:${row.id}`)
      await catalog.indexFrames({ ...update(row, [0, 2], [typed]), progress: JSON.stringify({ eraseMarker }) })
      const ran = event(5, { kind: 'command', sessionId: row.id, argv: ['cat', eraseMarker], line: eraseMarker })
      await catalog.putEvents([ran])
      await catalog.markSealed(row.id, 'manifest')
      await bus.produce([{ topic: 'session-events', key: row.bastion, value: Buffer.from(JSON.stringify(ran)) }])
      return row.id
    },
    ask: async (sessionId: SessionId) => {
      const asked = await approvals.request({ action: 'erasure', subject: sessionId, reason: 'the law', by: carol })
      return approvals.decide(asked.id, { decision: 'approved', reason: 'it is', by: dora })
    },
    close: backends.close,
  }
}
