import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { parse as parseCsv } from 'csv-parse/sync'
import { parse as parseYaml } from 'yaml'
import { BartizanError } from '#services/errors.ts'

const maxFileBytes = 64 * 1024 * 1024
const csv = '.csv'

const invalid = (file: string, why: string, cause?: unknown): BartizanError =>
  new BartizanError('BTZ_DIRECTORY_INVALID', `directory ${file}: ${why}`, {
    hint: 'docs/operations/directory.md shows the tables and their fields',
    cause,
  })

/** YAML that refers to itself can grow without bounds; a merge key or two cannot. */
const maxAliases = 1_000

const readText = (file: string): string => {
  const { size } = statSync(file)
  if (size > maxFileBytes) throw invalid(file, `larger than ${maxFileBytes} bytes`)
  return readFileSync(file, 'utf8')
}

/** JSON in a cell is what it says; any other text is itself. */
const cellOf = (text: string): unknown => {
  if (!/^[[{]/.test(text)) return text
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

type Fields = Record<string, unknown>

const withInner = (row: Fields, name: string, inner: string, value: unknown): Fields => {
  const before = row[name]
  const fields = typeof before === 'object' && before !== null ? before : {}
  return { ...row, [name]: { ...fields, [inner]: value } }
}

/** `officeHours.from` of a row is the field `from` of its `officeHours`. */
const nested = (row: Record<string, string>): Fields => {
  let result: Fields = {}
  for (const [column, text] of Object.entries(row)) {
    const dot = column.indexOf('.')
    if (dot < 0) result = { ...result, [column]: cellOf(text) }
    else if (text !== '') result = withInner(result, column.slice(0, dot), column.slice(dot + 1), cellOf(text))
  }
  return result
}

const readCsv = (file: string): Record<string, unknown>[] =>
  parseCsv<Record<string, string>>(readText(file), {
    columns: true,
    bom: true,
    trim: true,
    skip_empty_lines: true,
    relax_column_count: true,
    max_record_size: 1024 * 1024,
  }).map(nested)

const networkKinds = ['office', 'vpn', 'automation']

/** `people.csv`, `networks.office.csv`, …; `policy.csv` has one row. */
const readFolder = (folder: string): Record<string, unknown> => {
  const read = (name: string) => readCsv(join(folder, `${name}${csv}`))
  const names = readdirSync(folder)
    .filter((name) => name.endsWith(csv))
    .map((name) => name.slice(0, -csv.length))
  const tables = Object.fromEntries(names.filter((name) => !name.includes('.')).map((name) => [name, read(name)]))
  const networks = networkKinds.filter((kind) => names.includes(`networks.${kind}`))
  return {
    ...tables,
    policy: tables.policy?.[0],
    networks: Object.fromEntries(networks.map((kind) => [kind, read(`networks.${kind}`)])),
  }
}

const readFile = (file: string): unknown => {
  const text = readText(file)
  return file.endsWith('.json') ? JSON.parse(text) : parseYaml(text, { maxAliasCount: maxAliases })
}

/**
 * The directory as written: a file of YAML or JSON, or a folder of CSV files.
 * @throws BTZ_DIRECTORY_INVALID it cannot be read as that at all
 */
export const readDirectoryFiles = (file: string): Record<string, unknown> => {
  let raw: unknown
  try {
    raw = statSync(file).isDirectory() ? readFolder(file) : readFile(file)
  } catch (cause) {
    throw cause instanceof BartizanError ? cause : invalid(file, (cause as Error).message, cause)
  }
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) throw invalid(file, 'no tables at the top level')
  return raw as Record<string, unknown>
}
