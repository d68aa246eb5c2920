import { noteWord, nothingSeen, optionSecrets } from './option-secrets.ts'
import { type ShellWord, shellWords } from './shell-words.ts'
import { type Range, wordSecrets } from './word-secrets.ts'

/** Says nothing about what was there, its length neither. */
const maskedText = '[masked]'
const deepest = 3 // bash -c "ssh host 'mysql -p…'"

type Word = Pick<ShellWord, 'value' | 'startsCommand'> & { nameQuoted?: boolean }

/** Sorted, without overlaps, nothing empty. */
const merged = (ranges: readonly Range[]): Range[] => {
  const result: Range[] = []
  for (const { from, to } of ranges.filter((range) => range.to > range.from).sort((a, b) => a.from - b.from)) {
    const last = result.at(-1)
    if (last && from <= last.to) last.to = Math.max(last.to, to)
    else result.push({ from, to })
  }
  return result
}

const isCommandOption = (word: string): boolean => /^-[a-z]{0,5}c$/.test(word)

const secretsOfWords = (words: readonly Word[], depth: number): Range[][] => {
  let seen = nothingSeen()
  let next: ((value: string) => Range[]) | null = null
  return words.map(({ value, startsCommand, nameQuoted }, index) => {
    if (startsCommand) [seen, next] = [nothingSeen(), null]
    const before = index === 0 ? '' : words[index - 1]!.value
    const isLine = /\s/.test(value) && (isCommandOption(before) || nameQuoted === true)
    const ofOption = next?.(value) ?? []
    const ranges = [...ofOption, ...wordSecrets(value, !isLine)]
    const found = optionSecrets(value, before, seen)
    next = found.next
    // A password may be the name of a program.
    if (!ofOption.some(({ from, to }) => from === 0 && to === value.length)) noteWord(seen, value)
    ranges.push(...found.here)
    if (depth < deepest && /\s/.test(value))
      ranges.push(...secretsOfLine(value, depth + 1).map(({ from, to }) => ({ from, to })))
    return merged(ranges)
  })
}

type Edit = Range & { text: string }

/** Range of the word → range of the line; quotes the range cuts through are closed or taken in. */
const editOf = (word: ShellWord, line: string, { from, to }: Range): Edit => {
  const opened = word.quotes[from]!
  const closed = word.quotes[to - 1]!
  const end = to === word.value.length && closed < 0 ? word.offsets[to]! : word.offsets[to - 1]! + 1
  const edit = { from: word.offsets[from]!, to: end, text: maskedText }
  if (opened === closed) return edit
  if (opened >= 0) edit.text += line[opened]!
  if (closed >= 0 && line[end] === line[closed]) edit.to++
  return edit
}

const editsOf = (line: string, depth: number): Edit[] => {
  const words = shellWords(line)
  const ranges = secretsOfWords(
    words.map((word) => ({ ...word, nameQuoted: (word.quotes[0] ?? -1) >= 0 })),
    depth,
  )
  return words.flatMap((word, index) => ranges[index]!.map((range) => editOf(word, line, range)))
}

const secretsOfLine = (line: string, depth: number): Range[] => editsOf(line, depth)

const replaced = (text: string, edits: readonly Edit[]): string => {
  let at = 0
  let result = ''
  for (const { from, to, text: replacement } of edits) {
    result += text.slice(at, from) + replacement
    at = to
  }
  return result + text.slice(at)
}

/** The arguments of one command, `argv[0]` its name, with the secrets in them replaced. */
export const maskArgv = (argv: string[]): string[] => {
  const ranges = secretsOfWords(
    argv.map((value, index) => ({ value, startsCommand: index === 0 })),
    0,
  )
  return argv.map((value, index) =>
    replaced(
      value,
      ranges[index]!.map((range) => ({ ...range, text: maskedText })),
    ),
  )
}

/** A command line as typed, or as ssh was given it: secrets replaced, everything else as it was. */
export const maskCommandLine = (line: string): string => replaced(line, editsOf(line, 0))
