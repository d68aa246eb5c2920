import { z } from 'zod'
import { TimeZone } from './time-zone.ts'

/** The operator's directory as it is written: rows of tables, each kept or refused by itself. Unknown fields are kept. */

const text = (max: number) => z.string().min(1).max(max)
const nullable = <T extends z.ZodType>(type: T) => type.nullable().optional()
const user = text(256)
const name = nullable(text(256))

/** 2026-03-01, or with a time, and with Z or an offset; without one it is the time where the person is. */
const Moment = z
  .string()
  .max(40)
  .regex(/^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)?)?$/, 'not a date or time')
  .refine((moment) => !Number.isNaN(Date.parse(moment.replace(' ', 'T'))), 'no such date or time')
const moment = nullable(Moment)
const plan = { start: moment, end: moment, createdAt: moment }

const flag = nullable(z.union([z.boolean(), z.stringbool()]))
const number = nullable(z.coerce.number().finite())
const listOf = <T extends z.ZodType<string, string>>(item: T) => {
  const list = z.array(item).max(100_000)
  const cell = z.string().transform((text) => text.split(/[,;\s]+/).filter(Boolean))
  return nullable(z.union([list, cell.pipe(list)]))
}
const names = listOf(text(256))
const range = z.union([z.cidrv4(), z.cidrv6(), z.ipv4(), z.ipv6()], 'not an address or CIDR')
const country = nullable(
  z
    .string()
    .regex(/^[A-Za-z]{2}$/, 'not an ISO 3166-1 country of two letters')
    .transform((code) => code.toUpperCase()),
)
const clockTime = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$|^24:00$/, 'not a time as 08:30')
const row = <S extends z.ZodRawShape>(shape: S) => z.looseObject(shape)

export const DirectoryPolicy = row({
  officeHours: nullable(
    row({
      from: nullable(clockTime),
      to: nullable(clockTime),
      days: nullable(z.union([text(64), z.array(z.union([z.string().max(16), z.int().min(0).max(7)])).max(7)])),
    }),
  ),
  idleLimitMinutes: number,
  maxSessionHours: number,
  dormantDays: number,
  credentialMaxAgeDays: number,
  mfaRequired: flag,
  passwordAuthentication: flag,
  remoteForwarding: flag,
  dynamicForwarding: flag,
  recordingRequired: flag,
  recordingExempt: names,
  configManagement: names,
  learningDays: number,
})
export type DirectoryPolicy = z.infer<typeof DirectoryPolicy>

/** Every table and what a row of it looks like. `networks` is three tables. */
export const DirectoryRows = {
  people: row({
    user,
    name,
    role: name,
    team: name,
    zone: nullable(TimeZone),
    zoneHistory: nullable(z.array(row({ zone: TimeZone, from: Moment })).max(1_000)),
    country,
    accountType: nullable(z.enum(['human', 'service', 'breakGlass'])),
    shared: flag,
    joined: moment,
    left: moment,
    lastLoginAt: moment,
    mfaExempt: flag,
    schedule: nullable(z.enum(['office', 'shift'])),
    keys: nullable(z.array(row({ fingerprint: text(256), enrolledAt: moment })).max(1_000)),
    aliases: names,
    labels: names,
  }),
  groups: row({ name: text(256), hosts: names }),
  hosts: row({ name: text(253), group: name, env: name, labels: names }),
  bastions: row({ name: text(253), internetFacing: flag, site: name }),
  'networks.office': row({ cidr: range, site: name, country, lat: number, lon: number, from: moment }),
  'networks.vpn': row({ cidr: range, from: moment }),
  'networks.automation': row({ cidr: range, account: name, from: moment }),
  holidays: row({
    country,
    date: z
      .string()
      .regex(/^\d{4}-\d\d-\d\d$/, 'not a date as 2026-05-01')
      .refine((date) => !Number.isNaN(Date.parse(date)), 'no such date'),
    name,
  }),
  rota: row({ user, type: name, ...plan }),
  maintenance: row({ id: name, bastions: names, ...plan }),
  tickets: row({ id: text(256), type: text(64), users: names, targets: names, sourceIps: listOf(range), ...plan }),
  schedules: row({ id: name, user, type: name, ...plan }),
  leave: row({ user, type: name, ...plan }),
  travel: row({ user, country, city: name, ...plan }),
  exceptions: row({
    id: name,
    bastion: name,
    user: name,
    check: text(128),
    owner: name,
    start: moment,
    expires: moment,
    createdAt: moment,
  }),
  grants: row({ user, target: text(253), from: moment, to: moment, createdAt: moment }),
} as const
export type TableName = keyof typeof DirectoryRows
export type DirectoryRow<T extends TableName> = z.infer<(typeof DirectoryRows)[T]>
export type DirectoryTables = { [T in TableName]: DirectoryRow<T>[] }
export const tableNames = Object.keys(DirectoryRows) as TableName[]
