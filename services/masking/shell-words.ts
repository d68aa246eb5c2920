/** A word of a command line as a shell splits it, without running or expanding anything. */
export type ShellWord = {
  value: string // quotes and backslashes removed
  /** Offset in the line of each UTF-16 unit of `value`, and one more: where the word ends. */
  offsets: number[]
  /** For each unit of `value`: the offset of the quote it stands in, -1 outside. */
  quotes: number[]
  startsCommand: boolean
}

const blanks = new Set([' ', '\t'])
const operators = new Set([';', '&', '|', '(', ')', '<', '>', '\n', '\r'])
const redirections = new Set(['<', '>'])
// In double quotes a backslash escapes only these (POSIX shell, 2.2.3)
const escapedInDouble = new Set(['$', '`', '"', '\\', '\n'])

type Cursor = { line: string; at: number }

const emptyWord = (startsCommand: boolean): ShellWord => ({ value: '', offsets: [], quotes: [], startsCommand })

const readWord = (cursor: Cursor, word: ShellWord): ShellWord => {
  const { line } = cursor
  const characters: string[] = []
  let quote = -1
  const take = (offset: number): void => {
    characters.push(line[offset]!)
    word.offsets.push(offset)
    word.quotes.push(quote)
  }
  while (cursor.at < line.length) {
    const at = cursor.at
    const character = line[at]!
    const open = quote < 0 ? '' : line[quote]!
    if (open === '' && (blanks.has(character) || operators.has(character))) break
    if (open === '' && (character === "'" || character === '"')) quote = at
    else if (character === open) quote = -1
    else if (
      character === '\\' &&
      open !== "'" &&
      at + 1 < line.length &&
      (!open || escapedInDouble.has(line[at + 1]!))
    )
      take(++cursor.at)
    else take(at)
    cursor.at++
  }
  word.offsets.push(cursor.at)
  word.value = characters.join('')
  return word
}

/** Linear in the length of the line. A quote that is never closed runs to its end. */
export const shellWords = (line: string): ShellWord[] => {
  const words: ShellWord[] = []
  const cursor = { line, at: 0 }
  let startsCommand = true
  while (cursor.at < line.length) {
    const character = line[cursor.at]!
    if (operators.has(character)) startsCommand = startsCommand || !redirections.has(character)
    if (blanks.has(character) || operators.has(character)) {
      cursor.at++
      continue
    }
    words.push(readWord(cursor, emptyWord(startsCommand)))
    startsCommand = false
  }
  return words
}
