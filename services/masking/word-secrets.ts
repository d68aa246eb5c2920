import { isSecretName } from './secret-names.ts'

/** Half-open range of UTF-16 units. */
export type Range = { from: number; to: number }

const maxHits = 64 // of one kind in one word: more is no command line
const nameCharacters = /[A-Za-z0-9_.-]/

/** `NAME=value` anywhere in the word. At its start, the value runs to the word's end, else to the next field. */
const assignments = (word: string, wholeWord: boolean): Range[] => {
  const ranges: Range[] = []
  let equals = word.indexOf('=')
  for (let hits = 0; equals >= 0 && hits < maxHits; hits++) {
    let start = equals
    while (start > 0 && equals - start <= 256 && nameCharacters.test(word[start - 1]!)) start--
    const from = equals + 1
    if (isSecretName(word.slice(start, equals).replace(/^-+/, ''))) {
      const end = start === 0 && wholeWord ? -1 : word.slice(from).search(/[&;\s"']/)
      ranges.push({ from, to: end < 0 ? word.length : from + end })
    }
    equals = word.indexOf('=', from)
  }
  return ranges
}

const longUser = 20 // https://TOKEN@host: no user name is so long

/** RFC 3986, 3.2.1: `scheme://user:secret@host`. */
const userInfo = (word: string): Range[] => {
  const ranges: Range[] = []
  let at = word.indexOf('://')
  for (let hits = 0; at >= 0 && hits < maxHits; hits++) {
    const from = at + 3
    const authority = /^[^/?#\s"']{0,4096}/.exec(word.slice(from, from + 4096))![0]
    const user = authority.slice(0, Math.max(0, authority.lastIndexOf('@')))
    const colon = user.indexOf(':')
    if (colon >= 0) ranges.push({ from: from + colon + 1, to: from + user.length })
    else if (user.length >= longUser) ranges.push({ from, to: from + user.length })
    at = word.indexOf('://', from)
  }
  return ranges
}

const header =
  /(?:^|["'\s])(?:(?:proxy-)?authorization|cookie|[a-z0-9]{1,32}(?:-[a-z0-9]{1,32}){0,4}-(?:token|key|secret|password))\s{0,8}:\s{0,8}(?:(?:bearer|basic|token|digest|apikey|negotiate)\s{1,8})?(\S[^\r\n"']{0,65536})/dgi
const jsonField = /"([A-Za-z0-9_.-]{1,128})"\s{0,8}:\s{0,8}"((?:[^"\\]|\\.){0,65536})"/dg
const sql =
  /\b(?:identified\s{1,8}(?:with\s{1,8}\S{1,64}\s{1,8})?(?:by|as)|password\s{0,8}=?|password\s{0,8}\()\s{0,8}(?:password\s{1,8})?'([^']{0,65536})'/dgi

const group = (match: RegExpExecArray, index: number): Range => {
  const [from, to] = match.indices![index]!
  return { from, to }
}

/** What is a secret by its form, in whatever program's argument. */
export const wordSecrets = (word: string, wholeWord: boolean): Range[] => [
  ...assignments(word, wholeWord),
  ...userInfo(word),
  ...[...word.matchAll(header)].slice(0, maxHits).map((match) => group(match, 1)),
  ...[...word.matchAll(jsonField)].filter((match) => isSecretName(match[1]!)).map((match) => group(match, 2)),
  ...[...word.matchAll(sql)].map((match) => group(match, 1)),
]
