import { type KeyBlob, keyTypes, plainType, readKeyBlob } from './key-blob.ts'
import { boundedLines } from './lines.ts'

/** `owner`: whom the comment names (`alice@laptop` → `alice`), for counting people; it proves nothing. */
export type AuthorizedKey = KeyBlob & { owner: string | null; from: string | null; isAuthority: boolean }
export type AuthorizedKeys = { keys: AuthorizedKey[]; linesNotUnderstood: number }

const limits = { maxLines: 5_000, maxChars: 16_384 } // sshd itself takes 8 KiB a line (SSH_MAX_PUBKEY_BYTES)

/** Where the options end: at the first blank outside of quotes. */
const endOfOptions = (line: string): number => {
  let isQuoted = false
  for (let at = 0; at < line.length; at++) {
    const char = line[at]
    if (char === '\\' && line[at + 1] === '"') at += 1
    else if (char === '"') isQuoted = !isQuoted
    else if (!isQuoted && (char === ' ' || char === '\t')) return at
  }
  return line.length
}

const splitOptions = (text: string): string[] => {
  const options: string[] = []
  let isQuoted = false
  let start = 0
  for (let at = 0; at < text.length; at++) {
    if (text[at] === '\\' && text[at + 1] === '"') at += 1
    else if (text[at] === '"') isQuoted = !isQuoted
    else if (text[at] === ',' && !isQuoted) {
      options.push(text.slice(start, at))
      start = at + 1
    }
  }
  return [...options, text.slice(start)]
}

const isType = (word: string): boolean => keyTypes.has(plainType(word))

const ownerOf = (comment: string): string | null => {
  const name = comment.trim().split(/[\s@]/, 1)[0]!.toLowerCase()
  return /^[\p{L}\p{N}_.+-]{1,64}$/u.test(name) ? name : null
}

const readLine = (line: string): AuthorizedKey | null => {
  const hasOptions = !isType(line.split(/[ \t]/, 1)[0]!)
  const end = hasOptions ? endOfOptions(line) : 0
  const [type, blob, ...comment] = line
    .slice(end)
    .trim()
    .split(/[ \t]+/)
  const key = readKeyBlob(type!, blob ?? '')
  if (!key) return null
  const options = hasOptions ? splitOptions(line.slice(0, end)) : []
  const from = options.find((option) => /^from="/i.test(option))
  return {
    ...key,
    owner: ownerOf(comment.join(' ')),
    from: from === undefined ? null : from.slice('from="'.length, -1).slice(0, 1_024),
    isAuthority: options.some((option) => option.toLowerCase() === 'cert-authority'),
  }
}

/** sshd(8), AUTHORIZED_KEYS FILE FORMAT. */
export const readAuthorizedKeys = (text: string): AuthorizedKeys => {
  const lines = boundedLines(text, limits)
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
  const keys = lines.map(readLine)
  return {
    keys: keys.filter((key) => key !== null),
    linesNotUnderstood: keys.filter((key) => key === null).length,
  }
}

/** Whether `from=` keeps anybody out. */
export const isRestricted = ({ from }: AuthorizedKey): boolean =>
  from !== null && !from.split(',').some((pattern) => /^(?:\*|0\.0\.0\.0\/0|::\/0)?$/.test(pattern.trim()))
