import type { DirectoryRow } from '#services/schema/directory.ts'
import type { Person } from './directory.ts'
import { startMsOf } from './moment.ts'

type Row = DirectoryRow<'people'>
type Known = { person: Person; zones: { zone: string; fromMs: number }[]; joinedMs: number }
export type People = {
  canonical(user: string): string
  person(user: string, atMs: number): Person | null
  /** Null: nothing is known. */
  zone(user: string, atMs: number): string | null
  /** The last one that is known of, for times that a row tells without an offset. */
  anyZone(user: string): string
}

const unknownBefore = Number.NEGATIVE_INFINITY

const zonesOf = ({ zone, zoneHistory }: Row): Known['zones'] => {
  const moves = (zoneHistory ?? []).map((move) => ({ zone: move.zone, fromMs: startMsOf(move.from, move.zone) }))
  const first = zone ? [{ zone, fromMs: unknownBefore }] : []
  return [...first, ...moves].sort((a, b) => a.fromMs - b.fromMs)
}

const knownOf = (row: Row): Known => {
  const zones = zonesOf(row)
  const zone = zones.at(-1)?.zone ?? 'UTC'
  const joinedMs = row.joined ? startMsOf(row.joined, zone) : null
  const person: Person = {
    user: row.user,
    name: row.name ?? null,
    role: row.role ?? null,
    team: row.team ?? null,
    country: row.country ?? null,
    accountType: row.accountType ?? 'human',
    shared: row.shared ?? false,
    joinedMs,
    leftMs: row.left ? startMsOf(row.left, zone) : null,
    schedule: row.schedule ?? 'office',
  }
  return { person, zones, joinedMs: joinedMs ?? unknownBefore }
}

/** Of rows that speak of the same person the last one counts, and an alias never hides a name. */
export const createPeople = (rows: readonly Row[]): People => {
  const known = new Map(rows.map((row) => [row.user, knownOf(row)]))
  const aliases = new Map(rows.flatMap(({ user, aliases }) => (aliases ?? []).map((alias) => [alias, user] as const)))
  const canonical = (user: string): string => (known.has(user) ? user : (aliases.get(user) ?? user))
  const knownAt = (user: string, atMs: number): Known | null => {
    const found = known.get(user) ?? known.get(canonical(user))
    return found && found.joinedMs <= atMs ? found : null
  }
  return {
    canonical,
    person: (user, atMs) => knownAt(user, atMs)?.person ?? null,
    zone: (user, atMs) => knownAt(user, atMs)?.zones.findLast(({ fromMs }) => fromMs <= atMs)?.zone ?? null,
    anyZone: (user) => known.get(canonical(user))?.zones.at(-1)?.zone ?? 'UTC',
  }
}
