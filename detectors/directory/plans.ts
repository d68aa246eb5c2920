import type { DirectoryTables } from '#services/schema/directory.ts'
import type { Directory, Ticket } from './directory.ts'
import { spanOf } from './moment.ts'
import { createRanges } from './networks.ts'
import type { People } from './people.ts'
import { createSpans } from './spans.ts'

type Plans = Pick<
  Directory,
  'isOnDuty' | 'isScheduled' | 'isOnLeave' | 'travelOf' | 'isMaintenance' | 'tickets' | 'hasGrant' | 'isException'
>

const everybody = '' // key of rows that name nobody: no user, host or bastion is called so

const createTickets = (rows: DirectoryTables['tickets'], people: People): Directory['tickets'] => {
  const byUser = createSpans(
    rows.flatMap((row) => {
      const { id, type } = row
      const targets = row.targets?.length ? new Set(row.targets) : null
      const ranges = row.sourceIps?.length ? createRanges(row.sourceIps.map((range) => ({ range, row: true }))) : null
      const users = row.users?.length ? row.users : [everybody]
      return users.map((user) => ({
        key: people.canonical(user),
        span: spanOf(row, user === everybody ? 'UTC' : people.anyZone(user)),
        row: { ticket: { id, type }, targets, ranges },
      }))
    }),
  )
  return ({ user, target, sourceIp }, atMs): Ticket[] => {
    const named = user ? byUser.at(people.canonical(user), atMs) : []
    return [...named, ...byUser.at(everybody, atMs)]
      .filter(({ targets }) => targets === null || (target != null && targets.has(target)))
      .filter(({ ranges }) => ranges === null || (sourceIp != null && ranges.of(sourceIp).length > 0))
      .map(({ ticket }) => ticket)
  }
}

const createExceptions = (rows: DirectoryTables['exceptions'], people: People): Directory['isException'] => {
  const byCheck = createSpans(
    rows.map((row) => ({
      key: row.check,
      span: spanOf({ start: row.start, end: row.expires, createdAt: row.createdAt }, 'UTC'),
      row: { bastion: row.bastion ?? null, user: row.user ? people.canonical(row.user) : null },
    })),
  )
  return ({ bastion, user, check }, atMs) =>
    byCheck
      .at(check, atMs)
      .filter((row) => row.bastion === null || row.bastion === bastion)
      .some((row) => row.user === null || (user != null && row.user === people.canonical(user)))
}

/** What is planned and allowed, by person or place and time. */
export const createPlans = (tables: DirectoryTables, people: People): Plans => {
  const ofUsers = <R extends { user: string; start?: string | null; end?: string | null }>(rows: readonly R[]) =>
    createSpans(
      rows.map((row) => ({ key: people.canonical(row.user), span: spanOf(row, people.anyZone(row.user)), row })),
    )
  const duty = ofUsers([...tables.rota, ...tables.schedules])
  const scheduled = ofUsers(tables.schedules)
  const leave = ofUsers(tables.leave)
  const travel = ofUsers(tables.travel)
  const maintenance = createSpans(
    tables.maintenance.flatMap((row) =>
      (row.bastions?.length ? row.bastions : [everybody]).map((key) => ({ key, span: spanOf(row, 'UTC'), row })),
    ),
  )
  const grants = createSpans(
    tables.grants.map((row) => ({
      key: `${people.canonical(row.user)}\n${row.target}`,
      span: spanOf({ start: row.from, end: row.to, createdAt: row.createdAt }, people.anyZone(row.user)),
      row,
    })),
  )
  return {
    isOnDuty: (user, atMs) => duty.covers(people.canonical(user), atMs),
    isScheduled: (user, atMs) => scheduled.covers(people.canonical(user), atMs),
    isOnLeave: (user, atMs) => leave.covers(people.canonical(user), atMs),
    travelOf: (user, atMs) => {
      const [row] = travel.at(people.canonical(user), atMs)
      return row ? { country: row.country ?? '', city: row.city ?? null } : null
    },
    isMaintenance: (bastion, atMs) => maintenance.covers(bastion, atMs) || maintenance.covers(everybody, atMs),
    tickets: createTickets(tables.tickets, people),
    hasGrant: (user, target, atMs) => grants.covers(`${people.canonical(user)}\n${target}`, atMs),
    isException: createExceptions(tables.exceptions, people),
  }
}
