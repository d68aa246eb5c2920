import type { ErrorPosition } from '../errors.ts'
import { fields } from './fields.ts'
import { lexer, Word } from './tokens.ts'

/** What was taken as text, and reads like a field: as that is no mistake in the language, it is no error either. */
export type QueryHint = { message: string; position: ErrorPosition; instead: string }

const mostHints = 5
/** The name alone; an address of the web is none. */
const nameForm = /^([A-Za-z_]{2,16}):(?!\/)./s

const otherNames: Readonly<Record<string, string>> = {
  ...{ username: 'user', login: 'user', server: 'host', hostname: 'host', address: 'ip', source: 'ip' },
  ...{ since: 'after', until: 'before', status: 'state', session_id: 'session', command: 'cmd', commands: 'cmd' },
}

/** Letters that are wrong, missing, too many, or in each other's place (optimal string alignment). */
const distance = (one: string, other: string): number => {
  const rows = Array.from({ length: one.length + 1 }, (_, i) => [i, ...Array<number>(other.length).fill(0)])
  for (let j = 1; j <= other.length; j++) rows[0]![j] = j
  for (let i = 1; i <= one.length; i++)
    for (let j = 1; j <= other.length; j++) {
      const isSame = one[i - 1] === other[j - 1]
      const isSwapped = i > 1 && j > 1 && one[i - 1] === other[j - 2] && one[i - 2] === other[j - 1]
      rows[i]![j] = Math.min(
        rows[i - 1]![j]! + 1,
        rows[i]![j - 1]! + 1,
        rows[i - 1]![j - 1]! + (isSame ? 0 : 1),
        isSwapped ? rows[i - 2]![j - 2]! + 1 : Number.POSITIVE_INFINITY,
      )
    }
  return rows[one.length]![other.length]!
}

const fieldLike = (written: string): string | null => {
  const name = written.toLowerCase()
  if (Object.hasOwn(otherNames, name)) return otherNames[name]!
  const near = fields
    .map((field) => ({ name: field.name, off: distance(name, field.name) }))
    .filter((field) => field.off <= (field.name.length > 4 ? 2 : 1))
  return near.sort((a, b) => a.off - b.off)[0]?.name ?? null
}

/** Of a query that can be read. `position`: of the name and its colon; `instead`: what to write there. */
export const hintsOf = (text: string): QueryHint[] => {
  const words = lexer.tokenize(text).tokens.filter(({ tokenType }) => tokenType === Word)
  const hints = words.flatMap(({ image, startOffset }): QueryHint[] => {
    const name = nameForm.exec(image)?.[1]
    const field = name === undefined ? null : fieldLike(name)
    if (name === undefined || field === null) return []
    const instead = field === 'duration' ? 'duration>' : `${field}:`
    const position = { start: startOffset, end: startOffset + name.length + 1 }
    return [{ message: `there is no field ${name}, so this is text: did you mean ${instead}?`, position, instead }]
  })
  return hints.slice(0, mostHints)
}
