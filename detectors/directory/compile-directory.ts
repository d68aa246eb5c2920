import { createCalendar } from './calendar.ts'
import type { Directory } from './directory.ts'
import { createNetworks } from './networks.ts'
import { createPeople } from './people.ts'
import { createPlans } from './plans.ts'
import { type ReadTables, readTables } from './read-tables.ts'

const groupsByHost = ({ groups, hosts }: ReadTables['tables']): Map<string, string[]> => {
  const pairs = [
    ...groups.flatMap(({ name, hosts: members }) => (members ?? []).map((host) => [host, name] as const)),
    ...hosts.flatMap(({ name, group }) => (group ? [[name, group] as const] : [])),
  ]
  const byHost = new Map<string, string[]>()
  for (const [host, group] of pairs) byHost.set(host, [...(byHost.get(host) ?? []), group])
  return byHost
}

const labelsBy = (rows: readonly { of: string; labels?: readonly string[] | null | undefined }[]) => {
  const found = new Map<string, string[]>()
  for (const { of, labels } of rows) found.set(of, [...(found.get(of) ?? []), ...(labels ?? [])])
  return found
}

/** Makes of the tables what can be asked within microseconds. */
export const compileDirectory = ({ policy, tables }: Pick<ReadTables, 'policy' | 'tables'>): Directory => {
  const people = createPeople(tables.people)
  const bastions = new Map(tables.bastions.map(({ name, internetFacing }) => [name, internetFacing ?? null]))
  const groups = groupsByHost(tables)
  const ofPeople = labelsBy(tables.people.map(({ user, labels }) => ({ of: user, labels })))
  const ofHosts = labelsBy(tables.hosts.map(({ name, labels }) => ({ of: name, labels })))
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
    groupsOf: (host) => groups.get(host) ?? [],
    labelsOf: (user, hosts) => [
      ...(ofPeople.get(people.canonical(user)) ?? []),
      ...hosts.flatMap((host) => ofHosts.get(host) ?? []),
    ],
    isInternetFacing: (bastion) => bastions.get(bastion) ?? null,
  }
}

/** Nothing is known of anybody. */
export const emptyDirectory: Directory = compileDirectory(readTables({}))
