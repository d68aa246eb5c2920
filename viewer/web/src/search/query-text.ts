/** As a value of the query language: quoted where it is more than a plain word. */
export const quoted = (value: string): string =>
  /^[\p{L}\p{N}._/@-]+$/u.test(value) ? value : `"${value.replaceAll(/["\\]/g, '\\$&')}"`

/** What is being written where the caret stands. `field`: null where it is none (yet). */
export type Written = { start: number; end: number; field: string | null; prefix: string }

const isInQuotes = (before: string): boolean => (before.replaceAll(/\\./g, '').split('"').length - 1) % 2 === 1

export const writtenAt = (text: string, caret: number): Written | null => {
  const before = text.slice(0, caret)
  const [word] = /[^\s()"]*$/.exec(before)!
  const start = caret - word.length
  const [rest] = /^[^\s()"]*/.exec(text.slice(caret))!
  // In a phrase nothing is completed.
  if (isInQuotes(before)) return null
  const [, sign = '', field, prefix = ''] = /^(-?)(?:([a-z]+):)?(.*)$/.exec(word)!
  return { start: start + sign.length, end: caret + rest.length, field: field ?? null, prefix }
}

/** With a word or a value put where it was being written; and where the caret goes. */
export const completed = (text: string, { start, end }: Written, put: string): { text: string; caret: number } => ({
  text: text.slice(0, start) + put + text.slice(end),
  caret: start + put.length,
})

export const filterOf = (field: string, value: string): string => `${field}:${quoted(value)}`

/** With one more filter, unless it is there. */
export const narrowed = (text: string, field: string, value: string): string => {
  const filter = filterOf(field, value)
  return ` ${text} `.includes(` ${filter} `) ? text : `${text} ${filter}`.trim()
}
