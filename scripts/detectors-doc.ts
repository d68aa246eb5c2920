import { readFileSync, writeFileSync } from 'node:fs'
import { Config, settings } from '#services/config.ts'

/** Writes the table of settings in docs/operations/detectors.md from their schema. */
const begin = '<!-- settings: written by `node scripts/detectors-doc.ts` from the schema -->'
const end = '<!-- end of settings -->'

const units: [suffix: string, ms: number][] = [
  [' d', 86_400_000],
  [' h', 3_600_000],
  [' min', 60_000],
  [' s', 1_000],
]
const shown = (name: string, value: unknown): string => {
  if (typeof value !== 'number' || !name.endsWith('Ms')) return value === undefined ? '' : String(value)
  const [suffix, unit] = units.find(([, ms]) => value >= ms && value % ms === 0) ?? ['', 1]
  return `${value} (${value / unit}${suffix})`
}

const valueAt = (root: unknown, path: readonly string[]): unknown =>
  path.reduce<unknown>((value, part) => (value as Record<string, unknown> | undefined)?.[part], root)

const settingsTable = (): string => {
  const defaults = Config.parse({})
  const rows = settings()
    .filter(({ path }) => path[0] === 'detectors')
    .map(({ path, env, description }) => {
      const name = path.slice(1).join('.')
      return `| \`${name}\` | ${shown(name, valueAt(defaults, path))} | ${description} | \`${env}\` |`
    })
  return ['| `detectors.` | default | | environment |', '|---|---|---|---|', ...rows].join('\n')
}

/** The page with its table as the schema has it now. */
export const withSettings = (page: string): string => {
  const [before, rest] = page.split(begin)
  const after = rest?.split(end)[1]
  if (before === undefined || after === undefined) throw new Error('the page has no place for the settings')
  return `${before}${begin}\n${settingsTable()}\n${end}${after}`
}

export const pageFile = new URL('../docs/operations/detectors.md', import.meta.url)
if (import.meta.main) writeFileSync(pageFile, withSettings(readFileSync(pageFile, 'utf8')))
