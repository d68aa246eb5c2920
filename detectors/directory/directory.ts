/** What the operator knows about people, places and plans, asked by event time: a row is unknown before its start. */

export type Person = {
  user: string // the name under which all aliases are one
  name: string | null
  role: string | null
  team: string | null
  country: string | null
  accountType: 'human' | 'service' | 'breakGlass'
  shared: boolean
  joinedMs: number | null
  leftMs: number | null // the account is disabled from then on
  schedule: 'office' | 'shift'
}
export type KnownNetwork = { kind: 'office' | 'vpn' | 'automation'; site: string | null; account: string | null }
export type Ticket = { id: string; type: string }
export type Policy = {
  recordingRequired: boolean
  recordingExempt: ReadonlySet<string>
  configManagement: ReadonlySet<string>
  learningDays: number | null
  dormantDays: number | null
}

export type Directory = {
  readonly policy: Policy
  /** Of an alias, of whoever it belongs to; a name that nobody has is returned as it is. */
  canonical(user: string): string
  person(user: string, atMs: number): Person | null
  /** IANA; UTC where nothing is known. */
  zoneOf(user: string, atMs: number): string
  /** Whether that is known and not guessed. */
  hasZone(user: string, atMs: number): boolean
  /** Within the office hours of the policy, in the user's zone, on a working day that is no holiday of the user's country. */
  isOfficeHours(user: string, atMs: number): boolean
  isHoliday(user: string, atMs: number): boolean
  /** A day on which the policy has office hours, and no holiday, where the user is. */
  isWorkingDay(user: string, atMs: number): boolean
  /** On call, on a shift, or with a schedule of their own at that time. */
  isOnDuty(user: string, atMs: number): boolean
  /** Work that was planned for the account, not that somebody is on call. */
  isScheduled(user: string, atMs: number): boolean
  isOnLeave(user: string, atMs: number): boolean
  travelOf(user: string, atMs: number): { country: string; city: string | null } | null
  knownNetwork(ip: string, atMs: number): KnownNetwork | null
  isMaintenance(bastion: string, atMs: number): boolean
  /** Tickets in force that name the user, the target or the address; one that names none of a sort holds for all of it. */
  tickets(about: { user?: string | null; target?: string | null; sourceIp?: string | null }, atMs: number): Ticket[]
  hasGrant(user: string, target: string, atMs: number): boolean
  isException(about: { bastion?: string | null; user?: string | null; check: string }, atMs: number): boolean
  /** Of a host, by either of the tables that say so. */
  groupsOf(host: string): readonly string[]
  /** Of somebody, by any name of theirs, and of these hosts. Not by time: for what is kept, not for what is judged. */
  labelsOf(user: string, hosts: readonly string[]): readonly string[]
  /** Null: the directory does not name it. */
  isInternetFacing(bastion: string): boolean | null
}
