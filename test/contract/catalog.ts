import type { TestFn } from 'ava'
import { alertsContract } from './catalog-alerts.ts'
import { connectionsContract } from './catalog-connections.ts'
import { coverageContract } from './catalog-coverage.ts'
import { crashContract } from './catalog-crash.ts'
import { eraseContract } from './catalog-erase.ts'
import { eventsContract } from './catalog-events.ts'
import type { MakeCatalogPlace } from './catalog-place.ts'
import { searchContract } from './catalog-search.ts'
import { sessionsContract } from './catalog-sessions.ts'

/** What every catalog does. */
export const catalogContract = (test: TestFn, make: MakeCatalogPlace): void => {
  sessionsContract(test, make)
  connectionsContract(test, make)
  coverageContract(test, make)
  eventsContract(test, make)
  alertsContract(test, make)
  searchContract(test, make)
  eraseContract(test, make)
  crashContract(test, make)
}
