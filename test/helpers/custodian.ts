import { join } from 'node:path'
import { pino } from 'pino'
import { Registry } from 'prom-client'
import { createApprovals } from '#services/approvals/approvals.ts'
import type { Clock } from '#services/clock.ts'
import { createCustody } from '#services/custody/custody.ts'
import { obtainLogSigner } from '#services/keys/log-key.ts'
import { createFileHoldStore } from '#services/recordings/file-hold-store.ts'
import { createFileRecordingStore } from '#services/recordings/file-recording-store.ts'
import type { Principal } from '#services/schema/access.ts'
import { createSqliteStateStore } from '#services/state/sqlite-state-store.ts'
import { openLogBus } from './open-log-bus.ts'

const log = pino({ level: 'silent' })
export const custodianNamed = (name: string): Principal => ({
  id: `login-${name}`,
  name,
  role: 'custodian',
  bastion: null,
})

/** What the custody worker works with, on the back ends of one folder. `catalog`: it knows of no block. */
export const openCustodyPlace = async (folder: string, clock: Clock) => {
  const bus = await openLogBus({ folder: join(folder, 'bus') })
  const recordings = await createFileRecordingStore({ folder, immutable: false, log })
  const holds = createFileHoldStore({ folder, immutable: false, recordings })
  const state = await createSqliteStateStore({ file: join(folder, 'state.db') })
  const logKey = await obtainLogSigner(join(folder, 'keys'))
  const custody = createCustody({ state, clock })
  const approvals = createApprovals({ state, clock })
  const acts = { recordings, bus, logKey, clock, maxRetentionYears: 10 }
  const close = async () => {
    await bus.close()
    await Promise.all([recordings.close(), holds.close(), state.close()])
  }
  const catalog = { blocks: async () => [] }
  const registry = new Registry()
  return { bus, recordings, holds, state, logKey, custody, approvals, acts, catalog, clock, log, registry, close }
}
export type CustodyPlace = Awaited<ReturnType<typeof openCustodyPlace>>
