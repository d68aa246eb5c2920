import { createCalendar } from './calendar.ts'
import type { Directory } from './directory.ts'
import { createNetworks } from './networks.ts'
import { createPeople } from './people.ts'
import { createPlans } from './plans.ts'
import { type ReadTables, readTables } from './read-tables.ts'

/** Makes of the tables what can be asked within microseconds. */
export const compileDirectory = ({ policy, tables }: Pick<ReadTables, 'policy' | 'tables'>): Directory => {
  const people = createPeople(tables.people)
  const bastions = new Map(tables.bastions.map(({ name, internetFacing }) => [name, internetFacing ?? null]))
  return {
    policy: {
      recordingRequired: policy.recordingRequired ?? true,
      recordingExempt: new Set(policy.recordingExempt ?? []),
      configManagement: new Set(policy.configManagement ?? []),
      learningDays: policy.learningDays ?? null,
      dormantDays: policy.dormantDays ?? null,
    },
    canonical: people.canonical,
    person: people.person,
    zoneOf: (user, atMs) => people.zone(user, atMs) ?? 'UTC',
    hasZone: (user, atMs) => people.zone(user, atMs) !== null,
    ...createCalendar(policy, tables.holidays, people),
    ...createPlans(tables, people),
    knownNetwork: createNetworks(tables),
    isInternetFacing: (bastion) => bastions.get(bastion) ?? null,
  }
}

/** Nothing is known of anybody. */
export const emptyDirectory: Directory = compileDirectory(readTables({}))
