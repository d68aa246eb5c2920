import type { Command } from '#services/schema/session.ts'
import { withoutDigits } from './typed/prompt.ts'

/** The commands of a session that may still execute programs, and whose an execve is. */

export type NumberedCommand = { number: number; command: Command }
export type OpenCommand = NumberedCommand & {
  childChars: number
  ran: string[] // names of programs it executed
  prompt: string // it was typed behind; '' = not seen
  untaken: boolean // typed while something else ran, or pasted with others: a shell may run it later
}

const surely = 5
const limits = { open: 64, openChars: 48 * 1024, matchedChars: 4_096, words: 16, wordChars: 256 } as const

/** The program's name as it would stand in a line: -bash is bash. */
export const programOf = (argv: readonly string[]): string => {
  const path = argv[0] ?? ''
  return path.slice(path.lastIndexOf('/') + 1).replace(/^-/, '')
}

const isWordChar = (char: string | undefined): boolean => char !== undefined && /[\w.+-]/.test(char)
const hasWord = (line: string, word: string): boolean => {
  for (let at = line.indexOf(word); at >= 0; at = line.indexOf(word, at + 1)) {
    if (!isWordChar(line[at - 1]) && !isWordChar(line[at + word.length])) return true
  }
  return false
}

/** Whether the line names the program that was executed. */
export const mentions = (line: string, argv: readonly string[]): boolean => {
  const name = programOf(argv)
  return name !== '' && hasWord(line, name)
}

const wordsOf = (argument: string): string[] =>
  argument
    .slice(0, limits.wordChars)
    .split(/\s/)
    .filter((word) => word.length > 1)

// What many have in common says little.
const weightOf = (word: string): number => (word.startsWith('-') ? 0.2 : 1)
const weigh = (words: readonly string[]): number => words.reduce((sum, word) => sum + weightOf(word), 0)

/** How much of what was executed stands in the line: 3 for its name, up to 5 for its arguments. */
const likeness = ({ command }: OpenCommand, argv: readonly string[]): number => {
  const line = command.line.slice(0, limits.matchedChars)
  const words = argv
    .slice(1, 1 + limits.words)
    .flatMap(wordsOf)
    .slice(0, limits.words)
  const found = words.filter((word) => line.includes(word))
  return (mentions(line, argv) ? 3 : 0) + (words.length === 0 ? 0 : (5 * weigh(found)) / weigh(words))
}

// A list that runs in the background goes on while later lines run.
const runsOn = (line: string): boolean => /(?:^|[^&>])&(?![&>\d])/.test(line)

/**
 * Whose it is: that of the line that runs, unless a line that may run, too, says more of it: one typed or pasted before
 * its turn, one of the same command of several lines, one with a part in the background.
 */
export const ownerOf = (open: readonly OpenCommand[], current: OpenCommand | null, argv: readonly string[]) => {
  const likenessOfCurrent = current === null ? 0 : likeness(current, argv)
  const hasRunIt = current?.ran.includes(programOf(argv)) ?? true
  let best = { command: current, likeness: likenessOfCurrent }
  for (const command of open) {
    if (command === current) continue
    const own = likeness(command, argv)
    const isNext = command.untaken && hasRunIt && best.command === current && own === best.likeness && own >= 3
    if (runsOn(command.command.line) && own < surely) continue // it ended, but for what goes on in the background
    if (own > best.likeness || isNext) best = { command, likeness: own }
  }
  return best.command
}

const charsOf = ({ command, childChars, prompt }: OpenCommand): number =>
  command.line.length + childChars + prompt.length + command.argv.reduce((sum, word) => sum + word.length, 0)

/** Behind another prompt than the first (`>`, `...`), and before anything ran, a line goes on with the command. */
const goesOn = ([first, ...others]: readonly OpenCommand[], prompt: string): boolean => {
  if (!first || first.prompt === '' || prompt === '') return false
  const isAnother = withoutDigits(first.prompt) !== withoutDigits(prompt)
  return isAnother && [first, ...others].every(({ ran }) => ran.length === 0)
}

/** Without those that cannot run any more now that this line is typed, and without the oldest beyond the limits. */
export const withLine = (open: readonly OpenCommand[], added: OpenCommand): OpenCommand[] => {
  const last = open.filter(({ command }) => !runsOn(command.line))
  const kept = added.untaken || goesOn(last, added.prompt) ? open : withoutEnded(open)
  const bounded = [...kept, added].slice(-limits.open)
  let chars = bounded.reduce((sum, one) => sum + charsOf(one), 0)
  while (bounded.length > 1 && chars > limits.openChars) chars -= charsOf(bounded.shift()!)
  return bounded
}

export const withoutEnded = (open: readonly OpenCommand[]): OpenCommand[] =>
  open.filter(({ command }) => runsOn(command.line))
