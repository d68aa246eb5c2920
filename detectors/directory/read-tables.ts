import type { z } from 'zod'
import { DirectoryPolicy, DirectoryRows, type DirectoryTables, tableNames } from '#services/schema/directory.ts'

export type Refusal = { table: string; row: number; reason: string }
export type ReadTables = { policy: DirectoryPolicy; tables: DirectoryTables; refusals: Refusal[]; refusedCount: number }

const maxRows = 200_000 // of one table
const maxRefusals = 100 // that are told; all are counted
const maxReasonLength = 200

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** A cell that is empty says nothing. */
const withoutEmpty = (row: unknown): unknown =>
  isRecord(row) ? Object.fromEntries(Object.entries(row).filter(([, value]) => value !== '' && value !== null)) : row

const at = (raw: Record<string, unknown>, name: string): unknown =>
  name.split('.').reduce<unknown>((value, part) => (isRecord(value) ? value[part] : undefined), raw)

const reasonOf = (error: z.ZodError): string =>
  error.issues
    .map(({ path, message }) => (path.length > 0 ? `${path.join('.')}: ${message}` : message))
    .join('; ')
    .slice(0, maxReasonLength)

/** Takes of the directory what can be used, row by row. */
export const readTables = (raw: unknown): ReadTables => {
  const refusals: Refusal[] = []
  let refusedCount = 0
  const refuse = (table: string, row: number, reason: string): void => {
    refusedCount++
    if (refusals.length < maxRefusals) refusals.push({ table, row, reason })
  }
  const root = isRecord(raw) ? raw : {}
  const rowsOf = <S extends z.ZodType>(name: string, schema: S): z.output<S>[] => {
    const rows = at(root, name) ?? []
    if (!Array.isArray(rows)) {
      refuse(name, 0, 'not a list of rows')
      return []
    }
    if (rows.length > maxRows) refuse(name, maxRows, `more than ${maxRows} rows: the rest is left out`)
    return rows.slice(0, maxRows).flatMap((row, number) => {
      const result = schema.safeParse(withoutEmpty(row))
      if (result.success) return [result.data]
      refuse(name, number + 1, reasonOf(result.error))
      return []
    })
  }
  const tables = Object.fromEntries(tableNames.map((name) => [name, rowsOf(name, DirectoryRows[name])]))
  const policy = DirectoryPolicy.safeParse(withoutEmpty(at(root, 'policy') ?? {}))
  if (!policy.success) refuse('policy', 1, reasonOf(policy.error))
  return { policy: policy.data ?? {}, tables: tables as DirectoryTables, refusals, refusedCount }
}
