import { isSecretName } from './secret-names.ts'
import { optionalValue, type SecretOption, secretOptions, slashLogins } from './secret-options.ts'
import type { Range } from './word-secrets.ts'

/** What one simple command has shown so far. Names count wherever they stand: `sudo -u x mysql`, `docker exec c mysql`. */
export type CommandSeen = {
  programs: Set<string>
  words: Set<string> // plain ones: subcommands
  slashLogin: boolean // the next plain word is user/secret
}
export const nothingSeen = (): CommandSeen => ({ programs: new Set(), words: new Set(), slashLogin: false })

const maxSeen = 256
const sshPrograms = new Set(['ssh', 'scp', 'sftp', 'rsync', 'autossh', 'ssh-copy-id'])
const isOption = (word: string): boolean => /^--?[A-Za-z]/.test(word)

export const noteWord = (seen: CommandSeen, word: string): void => {
  if (word.startsWith('-') || word.includes('=')) return
  const name = word.slice(word.lastIndexOf('/') + 1)
  if (seen.words.size < maxSeen) seen.words.add(word)
  if (sshPrograms.has(name)) seen.programs.delete('sshpass') // -p is its port from here on
  if (Object.hasOwn(secretOptions, name) || slashLogins.has(name)) seen.programs.add(name)
  seen.slashLogin = slashLogins.has(name)
}

const secretPart = (option: SecretOption, value: string, from: number): Range[] => {
  if (option.prefix !== undefined)
    return value.startsWith(option.prefix) ? [{ from: from + option.prefix.length, to: from + value.length }] : []
  const separator = option.after === undefined ? -1 : value.indexOf(option.after)
  if (option.after !== undefined && separator < 0) return []
  return [{ from: from + separator + 1, to: from + value.length }]
}

/** -sSu for curl, -rP for zip: flags in one word, the last of them takes the value. */
const isCluster = (word: string, option: string): boolean =>
  option.length === 2 && /^-[A-Za-z]{2,6}$/.test(word) && word.endsWith(option[1]!)

const attachedValue = (word: string, { option, takes }: SecretOption): number => {
  if (option.startsWith('--')) return word.startsWith(`${option}=`) ? option.length + 1 : -1
  return takes !== 'next' && word.startsWith(option) && word.length > option.length ? option.length : -1
}

/** `here`: secrets of this word; `next`: how to find those of the word behind it. */
export type OptionSecrets = { here: Range[]; next: ((value: string) => Range[]) | null }

const ofKnownProgram = (word: string, seen: CommandSeen): OptionSecrets | null => {
  for (const program of seen.programs)
    for (const option of secretOptions[program] ?? []) {
      if (option.subcommand !== undefined && !seen.words.has(option.subcommand)) continue
      if (option.takes !== 'attached' && (word === option.option || isCluster(word, option.option)))
        return { here: [], next: (value) => secretPart(option, value, 0) }
      const from = attachedValue(word, option)
      if (from > 0) return { here: secretPart(option, word.slice(from), from), next: null }
    }
  return null
}

const whole = (value: string): Range[] => (isOption(value) ? [] : [{ from: 0, to: value.length }])

const bySlash = (word: string): Range[] => {
  const slash = word.indexOf('/')
  const at = word.lastIndexOf('@')
  return slash < 0 ? [] : [{ from: slash + 1, to: at > slash ? at : word.length }]
}

/** @param before the word before this one */
export const optionSecrets = (word: string, before: string, seen: CommandSeen): OptionSecrets => {
  const known = ofKnownProgram(word, seen)
  if (known) return known
  const plain = !word.startsWith('-')
  if (plain && seen.slashLogin && word.includes('/')) return { here: bySlash(word), next: null }
  // aws configure set aws_secret_access_key X · redis CONFIG SET requirepass X
  const named = plain ? before.toLowerCase() === 'set' : !word.includes('=')
  if (!named || !isSecretName(word.replace(/^-+/, ''))) return { here: [], next: null }
  const optional = [...seen.programs].some((program) => optionalValue.has(program))
  return { here: [], next: optional ? null : whole }
}
