import { boundedLines } from './lines.ts'

/** One setting of a Defaults line, in the order in which sudo reads them. `scope`: '' for all, else such as `:%admins`. */
export type SudoDefault = { scope: string; name: string; isOn: boolean; value: string | null; file: string }
export type SudoersFile = {
  defaults: Omit<SudoDefault, 'file'>[]
  includes: { path: string; isFolder: boolean; at: number }[]
}

const limits = { maxLines: 20_000, maxChars: 16_384 }
const maxDefaults = 5_000

/** Lines with their continuations joined (sudoers(5): a backslash as the last character). */
const logicalLines = (text: string): string[] => {
  const joined: string[] = []
  let open = ''
  for (const line of boundedLines(text, limits)) {
    if (line.endsWith('\\') && open.length < limits.maxChars) {
      open += `${line.slice(0, -1)} `
    } else {
      joined.push(open + line)
      open = ''
    }
  }
  return open === '' ? joined : [...joined, open]
}

/** Parts between `separator`, and the text up to a comment; quotes and backslashes protect both. */
const split = (text: string, separator: string): string[] => {
  const parts: string[] = []
  let part = ''
  let isQuoted = false
  for (let at = 0; at < text.length; at++) {
    const char = text[at]!
    if (char === '\\' && at + 1 < text.length) part += char + text[++at]!
    else if (char === '#' && !isQuoted) break
    else if (char === separator && !isQuoted) {
      parts.push(part)
      part = ''
    } else {
      if (char === '"') isQuoted = !isQuoted
      part += char
    }
  }
  return [...parts, part]
}

const readSetting = (scope: string, written: string): SudoersFile['defaults'] => {
  const [, not, name, value] = /^\s*(!*)\s*([a-z_]{1,64})\s*(?:[+-]?=\s*(.*))?$/s.exec(written) ?? []
  if (name === undefined) return []
  const isOn = not!.length % 2 === 0
  return [{ scope, name, isOn, value: value === undefined ? null : value.trim().replace(/^"(.*)"$/s, '$1') }]
}

const include = /^\s*[@#](include|includedir)\s+(?:"([^"]{1,1024})"|((?:[^\s\\]|\\.){1,1024}))/
const defaults = /^\s*Defaults(?:([@:!>])\s*((?:"[^"]{1,1024}"|[^\s"]){1,1024})|(?=\s))\s*(.*)$/s

/** sudoers(5): its Defaults and what it includes. `at`: how many defaults stand before the include. */
export const readSudoers = (text: string): SudoersFile => {
  const file: SudoersFile = { defaults: [], includes: [] }
  for (const line of logicalLines(text)) {
    if (file.defaults.length >= maxDefaults || file.includes.length >= 1_000) break
    const [, kind, quoted, plain] = include.exec(line) ?? []
    if (kind !== undefined) {
      const path = quoted ?? plain!.replaceAll(/\\(.)/g, '$1')
      file.includes.push({ path, isFolder: kind === 'includedir', at: file.defaults.length })
      continue
    }
    const [, binding, whom, list] = defaults.exec(line) ?? []
    if (list === undefined) continue
    const scope = binding === undefined ? '' : `${binding}${whom}`
    file.defaults.push(...split(list, ',').flatMap((written) => readSetting(scope, written)))
  }
  return file
}
