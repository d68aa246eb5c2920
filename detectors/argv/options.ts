/** Options of a command, as getopt(3) reads them: clustered letters, values with and without a blank, `--`. */
export type Options = {
  flags: ReadonlySet<string> // letters, and long names without dashes and value
  values: ReadonlyMap<string, string> // the last of each
  operands: readonly string[]
}
/** `withValue`: letters and long names that take one. `isStrict`: options end at the first operand, as with sudo and env. */
export type Grammar = { withValue: ReadonlySet<string>; isStrict?: boolean }

const maxWords = 512

const readLong = (
  word: string,
  next: string | undefined,
  { withValue }: Grammar,
  values: Map<string, string>,
  flags: Set<string>,
): boolean => {
  const at = word.indexOf('=')
  const name = word.slice(2, at < 0 ? undefined : at)
  flags.add(name)
  if (at >= 0) values.set(name, word.slice(at + 1))
  else if (withValue.has(name) && next !== undefined) {
    values.set(name, next)
    return true
  }
  return false
}

const readShort = (
  word: string,
  next: string | undefined,
  { withValue }: Grammar,
  values: Map<string, string>,
  flags: Set<string>,
): boolean => {
  for (let at = 1; at < word.length; at++) {
    const letter = word[at]!
    flags.add(letter)
    if (!withValue.has(letter)) continue
    const rest = word.slice(at + 1)
    if (rest !== '') values.set(letter, rest)
    else if (next !== undefined) values.set(letter, next)
    return rest === '' && next !== undefined
  }
  return false
}

/** `args`: without the command's name. */
export const readOptions = (args: readonly string[], grammar: Grammar): Options => {
  const flags = new Set<string>()
  const values = new Map<string, string>()
  const operands: string[] = []
  const words = args.length > maxWords ? args.slice(0, maxWords) : args
  for (let at = 0; at < words.length; at++) {
    const word = words[at]!
    if (word === '--') {
      operands.push(...words.slice(at + 1))
      break
    }
    if (word.length < 2 || word[0] !== '-') {
      if (grammar.isStrict) {
        operands.push(...words.slice(at))
        break
      }
      operands.push(word)
    } else {
      const read = word[1] === '-' ? readLong : readShort
      if (read(word, words[at + 1], grammar, values, flags)) at++
    }
  }
  return { flags, values, operands }
}

const known = new Map<string, ReadonlySet<string>>() // of texts in the source, so there are few

export const letters = (text: string): ReadonlySet<string> => {
  const before = known.get(text)
  if (before) return before
  const made = new Set(text.split(' '))
  known.set(text, made)
  return made
}
