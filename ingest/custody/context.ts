import type { Registry } from 'prom-client'
import type { Approvals } from '#services/approvals/approvals.ts'
import type { Catalog } from '#services/catalog/catalog.ts'
import type { Clock } from '#services/clock.ts'
import type { CustodyDesk } from '#services/custody/custody.ts'
import type { ActContext } from '#services/custody/write-act.ts'
import type { Logger } from '#services/log.ts'
import type { HoldStore } from '#services/recordings/hold-store.ts'

/** What the steps of the custody worker work with. */
export type CustodyContext = {
  custody: CustodyDesk
  approvals: Pick<Approvals, 'due' | 'done'>
  holds: HoldStore
  acts: ActContext
  catalog: Pick<Catalog, 'blocks'>
  clock: Clock
  log: Logger
}
/** `erase`: all erasures that are due; absent: nothing is erased here. */
export type CustodyOptions = CustodyContext & { registry: Registry; erase?: () => Promise<void> }
