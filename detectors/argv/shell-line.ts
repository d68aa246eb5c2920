import { parse } from 'shell-quote'

/** A line of shell → the simple commands in it and the files they write to. Nothing is expanded, nothing is run. */
export type SimpleCommand = { argv: string[]; writes: string[] }

const maxChars = 4_096
const maxCommands = 64
const separators = new Set(['||', '&&', ';;', ';', '|', '|&', '&', '(', ')', '<('])
const writing = new Set(['>', '>>', '>|', '&>', '&>>', '>&'])

/** shell-quote takes the end of a line for a blank, and `#` for a comment also within a word. What a here-document holds is data. */
const linesAsCommands = (line: string): string => {
  let [out, quote] = ['', '']
  for (let at = 0; at < line.length; at++) {
    const char = line[at]!
    if (quote === '' && char === '<' && line[at + 1] === '<' && line[at + 2] !== '<') return out
    if (char === '\\' && quote !== "'") out += char + (line[++at] ?? '')
    else {
      if (quote === '' && (char === "'" || char === '"')) quote = char
      else if (char === quote) quote = ''
      const isInWord = char === '#' && quote === '' && at > 0 && !' \t\n;|&('.includes(line[at - 1]!)
      out += char === '\n' && quote === '' ? ' ; ' : isInWord ? '\\#' : char
    }
  }
  return out
}

const entriesOf = (line: string): ReturnType<typeof parse> => {
  try {
    return parse(linesAsCommands(line.slice(0, maxChars)), (name: string) => `$${name}`)
  } catch {
    return [] // a substitution that is none: no shell would run it
  }
}

export const commandsOf = (line: string): SimpleCommand[] => {
  const commands: SimpleCommand[] = []
  let current: SimpleCommand = { argv: [], writes: [] }
  let isWrite = false
  const close = (): void => {
    if (current.argv.length > 0 || current.writes.length > 0) commands.push(current)
    current = { argv: [], writes: [] }
    isWrite = false
  }
  for (const entry of entriesOf(line)) {
    if (commands.length >= maxCommands) return commands
    const word = typeof entry === 'string' ? entry : 'op' in entry && entry.op === 'glob' ? entry.pattern : null
    if (word !== null) {
      ;(isWrite ? current.writes : current.argv).push(word)
      isWrite = false
    } else if (typeof entry === 'object' && 'op' in entry) {
      if (separators.has(entry.op)) close()
      isWrite = writing.has(entry.op)
    }
  }
  close()
  return commands
}
