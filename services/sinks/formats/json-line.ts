/** What a JSON format is made of; what is null, undefined or empty is left out. */
export type Field = string | number | boolean | null | undefined | readonly Field[] | { readonly [name: string]: Field }
export type Fields = { readonly [name: string]: Field }

/** Deeper than anything of ours; `JSON.stringify` would run out of stack on a hostile `detail`. */
const maxDepth = 16

const isFields = (value: object): value is Fields => !Array.isArray(value)
const isEmpty = (value: Field): boolean =>
  value === undefined ||
  value === null ||
  value === '' ||
  (typeof value === 'object' && (isFields(value) ? Object.keys(value) : value).length === 0)

const pruned = (value: Field, depth = 0): Field => {
  if (typeof value === 'string') return value.toWellFormed() // a lone surrogate is no Unicode: many parsers refuse it
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined
  if (typeof value !== 'object' || value === null) return value
  if (depth === maxDepth) return '…[deeper than 16]'
  if (!isFields(value)) return value.map((entry) => pruned(entry, depth + 1) ?? null)
  const kept: [string, Field][] = []
  for (const [name, field] of Object.entries(value)) {
    const left = pruned(field, depth + 1)
    if (!isEmpty(left)) kept.push([name.toWellFormed(), left])
  }
  return Object.fromEntries(kept)
}

// Legal inside of JSON strings, but a line end to some readers of lines, and controls to terminals.
const controls = /[\u007f-\u009f\u2028\u2029]/g
const escaped = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`

/** One JSON object on one line, without what is empty. */
export const jsonLine = (fields: Fields): string => JSON.stringify(pruned(fields)).replace(controls, escaped)
