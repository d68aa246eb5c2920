/** bash(1), HISTORY EXPANSION: the shell shows the line it made of `!…` or `^old^new` before it runs it. */

const notHistory = new Set([' ', '\t', '=', '(', '"', undefined])

const bang = (line: string): number => {
  for (let at = line.indexOf('!'); at >= 0; at = line.indexOf('!', at + 1)) {
    if (!notHistory.has(line[at + 1]) && line[at - 1] !== '\\') return at
  }
  return -1
}

export const mayExpand = (line: string): boolean => line.startsWith('^') || bang(line) >= 0

/** The line that ran, if `shown`, the line shown next, is the expansion of the typed one. */
export const expansionOf = (typed: string, shown: string): string | null => {
  const line = shown.trimEnd()
  if (line === '' || /(?:event not found|substitution failed)$/.test(line)) return null
  if (typed.startsWith('^')) return line
  const before = typed.slice(0, bang(typed))
  const after = typed
    .slice(typed.lastIndexOf('!') + 1)
    .replace(/^[^\s;|&)]+/, '')
    .trimEnd()
  const fits = line.startsWith(before) && line.endsWith(after) && line.length >= before.length + after.length
  return fits ? line : null
}
