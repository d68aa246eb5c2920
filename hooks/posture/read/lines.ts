/** The first lines of a text that may be anything: no more than `maxLines`, none longer than `maxChars` (left out). */
export const boundedLines = (
  text: string,
  { maxLines, maxChars }: { maxLines: number; maxChars: number },
): string[] => {
  const lines: string[] = []
  for (let start = 0; start <= text.length && lines.length < maxLines; ) {
    const newline = text.indexOf('\n', start)
    const end = newline === -1 ? text.length : newline
    if (end - start <= maxChars) lines.push(text.slice(start, end).replace(/\r$/, ''))
    start = end + 1
  }
  return lines
}
