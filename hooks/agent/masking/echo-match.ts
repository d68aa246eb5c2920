/** How much of `typed` (from its start) the output lines show. Both latin1. 0 = it is not an echo. */

const longEnough = 4 // so many keys in a row are no chance: they may stand anywhere in the output
const maxTries = 8

/** Compares from `from` on; blanks may be missing or added (margins, indentation). -1 at the first difference. */
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

/** The output stops in the middle of the echo. */
const cutAtEnd = (line: string, typed: string): number => {
  for (const length of [3, 2]) if (typed.length > length && line.endsWith(typed.slice(0, length))) return length
  return -1
}

const matchLine = (typed: string, line: string, isLast: boolean, ended: boolean): number => {
  let length = overlap(line, 0, typed)
  if (length <= 0) length = inside(line, typed)
  if (length <= 0 && isLast) length = cutAtEnd(line, typed)
  // Of a line already ended, another line of output that shows a few keys only is a chance hit.
  return ended && !isLast && length < Math.min(typed.length, longEnough) ? -1 : length
}

/**
 * @param ended Enter was typed after it
 * @returns keys echoed, and the line of the output they were found in, to go on behind it
 */
export const matchEcho = (
  typed: string,
  lines: readonly string[],
  { fromLine = 0, ended = false } = {},
): { length: number; line: number } | null => {
  if (typed.trim() === '') {
    const blank = lines.findIndex((line, index) => index >= fromLine && line.trim() === '')
    return blank < 0 ? null : { length: typed.length, line: blank }
  }
  for (let index = fromLine; index < lines.length; index++) {
    const length = matchLine(typed, lines[index]!, index === lines.length - 1, ended)
    if (length > 0) return { length, line: index }
  }
  return null
}
