import type { RuleId } from '#services/schema/alert.ts'
import type { Isp, Prefix } from './address.ts'

export type Role = 'developer' | 'operations' | 'database' | 'finance' | 'support' | 'security' | 'data'

export type Traits = {
  nightOwl: boolean
  earlyBird: boolean
  weekender: boolean
  onCall: boolean
  shift: boolean
  sudoShell: boolean
  sudoDuty: boolean
  logCopier: boolean
  bigCopier: boolean
  tailer: boolean
  deployer: boolean
  smallSftp: boolean
  gitUser: boolean
  forwarder: boolean
  manyKeys: boolean
  mobile: boolean
  vpnUser: boolean
  ipv6: boolean
  exempt: boolean
}

export type Credential = { method: string; fingerprint: string | null; mfa: boolean; client: string }

export type Person = {
  user: string
  name: string
  role: Role
  team: string
  country: string
  zones: { zone: string; fromDay: number }[]
  traits: Traits
  startMinute: number
  endMinute: number
  sessionsPerDay: number
  joinedDay: number
  leftDay: number | null
  credentials: { from: number; credential: Credential }[] // ms
  isp: Isp
  homes: { fromDay: number; isp: Isp; ip: string }[]
  v6Site: string
  carrier: Isp
  bastions: string[]
  hosts: string[]
  leave: Set<number>
  travel: Journey[]
  shifts: Map<number, 'early' | 'late' | 'night'>
  swapped: Set<number>
  onCallDays: Map<number, boolean> // day -> in the directory
  lateEvenings: Set<number>
}

export type Journey = {
  fromDay: number
  toDay: number
  country: string
  city: string
  zone: string
  isp: Isp
  listed: boolean
}

export type Service = {
  user: string
  job: 'backup' | 'config' | 'deploy' | 'monitor' | 'mirror' | 'logs' | 'dump' | 'report' | 'inventory' | 'batch'
  ips: string[]
  bastion: string
  credentials: { from: number; credential: Credential }[]
  exempt: boolean
  hosts: string[]
}

export type Bastion = { name: string; internetFacing: boolean; site: string; agent: string }
export type Host = { name: string; group: string; env: string }
/** The recorder of `bastion` says `status` (null: nothing) at `from` and is silent until `to`. */
export type Window = {
  bastion: string
  from: number
  to: number
  planned: boolean
  status: string | null
  detail: string | null
}

export type Office = {
  prefix: Prefix
  egress: string[]
  site: string
  country: string
  lat: number
  lon: number
  fromDay: number
}
export type Ticket = {
  id: string
  type: string
  users: string[]
  targets: string[]
  sourceIps: string[]
  start: number
  end: number
  createdAt: number
}

/** Where people work, and how: Europe; around the world; much of it in shifts. */
export const profiles = ['eu', 'sun', 'ops'] as const
export type Profile = (typeof profiles)[number]
/** What the directory says: everything; six of ten rows, and of leave and travel nothing; nothing. */
export const directoryKinds = ['whole', 'poor', 'none'] as const
export type DirectoryKind = (typeof directoryKinds)[number]

export type World = {
  profile: Profile
  firstDay: number
  days: number
  learnDays: number
  people: Person[]
  services: Service[]
  bastions: Bastion[]
  hosts: Host[]
  offices: Office[]
  vpn: { prefix: Prefix; fromDay: number; listed: boolean }[]
  isps: Map<string, Isp[]>
  tickets: Ticket[]
  windows: Window[]
  holidayCountries: string[]
  migration: { days: number[]; users: string[]; target: string }
  expiryDays: number[]
  newOffice: Office | null
}

export type Incident = {
  rule: RuleId
  variant: string
  user: string | null
  sourceIp: string | null
  bastion: string | null
  users: string[]
  sourceIps: string[]
  sessionIds: string[]
  fromMs: number
  toMs: number
}
export type Benign = Omit<Incident, 'rule' | 'variant'> & { rule: RuleId | null; class: string; tolerated: boolean }

export const zoneAt = (person: Person, day: number) =>
  person.zones.filter(({ fromDay }) => fromDay <= day).at(-1)?.zone ?? person.zones[0]!.zone
export const homeAt = (person: Person, day: number) =>
  person.homes.filter(({ fromDay }) => fromDay <= day).at(-1) ?? person.homes[0]!
export const journeyAt = (person: Person, day: number) =>
  person.travel.find(({ fromDay, toDay }) => day >= fromDay && day <= toDay) ?? null
export const credentialAt = (account: { credentials: { from: number; credential: Credential }[] }, ms: number) =>
  (account.credentials.filter(({ from }) => from <= ms).at(-1) ?? account.credentials[0])!.credential
