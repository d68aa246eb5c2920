/** Where typed keys stand in the output. All text latin1; blanks may be missing or added (margins, indentation). */

const longEnough = 4 // so many keys in a row are no chance: they may stand anywhere
const surelyLong = 8
const maxTries = 8

/** Compares from `from` on, until one of the two ends. @returns keys, -1 when they differ */
const overlap = (line: string, from: number, typed: string): number => {
  let at = from
  let matched = 0
  let same = 0
  while (at < line.length && matched < typed.length) {
    if (line[at] === typed[matched]) {
      same++
      at++
      matched++
    } else if (line[at] === ' ') at++
    else if (typed[matched] === ' ') matched++
    else return -1
  }
  return same > 0 ? matched : -1
}

const inside = (line: string, typed: string): number => {
  if (typed.length < longEnough) return line.trimEnd().endsWith(typed.trimEnd()) ? typed.length : -1
  const start = typed.slice(0, longEnough)
  let at = line.indexOf(start)
  for (let tries = 0; at >= 0 && tries < maxTries; tries++) {
    const matched = overlap(line, at, typed)
    if (matched > 0) return matched
    at = line.indexOf(start, at + 1)
  }
  return -1
}

/** Keys at the start of `typed` that one output shows, 0 for none. */
export const matchEcho = (typed: string, lines: readonly string[]): number => {
  const isBlank = typed.trim() === ''
  for (const line of lines) {
    if (isBlank && line.trim() === '') return typed.length
    const length = isBlank ? -1 : Math.max(overlap(line, 0, typed), inside(line, typed))
    if (length > 0) return length
  }
  return 0
}

/** Keys at the start of `typed`, two or more, the output ends with: the echo as far as it has come. */
export const matchSoFar = (typed: string, line: string): number => {
  for (let length = Math.min(typed.length, line.length); length >= 2; length--)
    if (typed[length - 1] === line.at(-1) && line.endsWith(typed.slice(0, length))) return length
  return 0
}

/** Is all of `typed`, or so much of it that it is no chance, in one of the lines? */
export const showsWhole = (typed: string, lines: readonly string[]): boolean =>
  lines.some((line) => {
    const length = Math.max(overlap(line, 0, typed), inside(line, typed))
    return length >= Math.min(typed.length, surelyLong)
  })

/**
 * Keys in front may have had no echo (`v` in vim, what a search took): the whole of a piece of output is what was typed
 * behind them, or begins with all of it where text follows the cursor.
 * @returns keys echoed
 */
export const matchBehind = (typed: string, line: string): number => {
  if (line.trim() === '') return typed.startsWith(' ') ? 1 : 0
  const length = overlap(line, 0, typed)
  return typed.startsWith(line.trim()) || length === typed.length ? length : 0
}
