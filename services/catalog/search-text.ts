import { BartizanError } from '../errors.ts'
import type { Alert } from '../schema/alert.ts'
import type { Command } from '../schema/session.ts'
import type { SessionEvent } from '../schema/session-event.ts'
import type { SessionRow } from './catalog.ts'

/** What is searched, and for what: the same for every catalog, so that they find the same. */

const textLimits = {
  queryChars: 1_000,
  words: 16,
  documentChars: 64 * 1024, // of one session, command or event
} as const

/** A word of this many characters or more is found anywhere; a shorter one only where a word begins. */
const anywhereFromChars = 3

const oneForm = (text: string): string => text.toWellFormed().normalize('NFC')

/** Words of a query, in lower case, each once; empty for a query without any. @throws BTZ_CATALOG_QUERY */
export const wordsOf = (query: string): string[] => {
  if (query.length > textLimits.queryChars) {
    throw new BartizanError('BTZ_CATALOG_QUERY', `a search of more than ${textLimits.queryChars} characters`)
  }
  const distinct = [...new Set(runsOf(folded(oneForm(query))))]
  if (distinct.length <= textLimits.words) return distinct
  throw new BartizanError('BTZ_CATALOG_QUERY', `a search for more than ${textLimits.words} words`)
}

export const isLongWord = (word: string): boolean => [...word].length >= anywhereFromChars

/** Parts of a text between white space and control characters. */
export const runsOf = (text: string): string[] => text.split(/[\s\u0000-\u001f\u007f]+/u).filter(Boolean)

/**
 * Lower case of equal length, so that a place in it is the same place in the text; and of each character by itself,
 * so that a part of a text folds as it does alone. JavaScript's own lower case of İ is longer, and its lower case of Σ
 * depends on what stands around (Unicode SpecialCasing.txt).
 */
export const folded = (text: string): string =>
  (/[İΣς]/.test(text) ? text.replaceAll('İ', 'i').replaceAll(/[Σς]/g, 'σ') : text).toLowerCase()

/** @param char one character: a code point */
export const isWordChar = (char: string): boolean => /[\p{L}\p{N}_]/u.test(char)

export const charBefore = (text: string, at: number): string => {
  const pair = text.codePointAt(at - 2) ?? 0
  return pair > 0xffff ? text.slice(at - 2, at) : text.slice(at - 1, at)
}

/** Folded, its words parted by one space each: the form in which a text is looked for. */
export const foldedQuery = (text: string): string => runsOf(folded(oneForm(text))).join(' ')

/** Where a folded word stands in a folded text: the first place from `from` on, or -1. Places count UTF-16 units. */
export const placeOf = (word: string, text: string, from = 0): number => {
  const anywhere = isLongWord(word) || !isWordChar(String.fromCodePoint(word.codePointAt(0) ?? 0))
  let at = text.indexOf(word, from)
  while (at > 0 && !anywhere && isWordChar(charBefore(text, at))) at = text.indexOf(word, at + 1)
  return at
}

const document = (lines: string[]): string =>
  oneForm([...new Set(lines.filter(Boolean))].join('\n').slice(0, textLimits.documentChars))
    .slice(0, textLimits.documentChars) // NFC may be longer
    .toWellFormed()

export const sessionText = (row: SessionRow): string =>
  document([
    [row.user, row.runAs, row.bastion, row.target, row.sourceIp, row.hook, row.tty, row.endDetail]
      .filter((part) => part !== null)
      .join(' '),
    row.argv.join(' '),
  ])

/** One line per thing that ran: the line itself, its exec, the further execs. */
export const commandText = ({ line, argv, children }: Command): string =>
  document([line, argv.join(' '), ...children.map((child) => child.argv.join(' '))])

/** Lines as they stood below each other. */
export const screenText = (text: string): string => document([text])

const notSearched = new Set(['id', 'at', 'receivedAt', 'sessionId', 'prevHash', 'line', 'argv'])
const maxDepth = 4

const stringsIn = (value: unknown, depth = 0): string[] => {
  if (typeof value === 'string') return [value]
  if (typeof value !== 'object' || value === null || depth === maxDepth) return []
  return Object.values(value).flatMap((inner) => stringsIn(inner, depth + 1))
}

/** The command line first, then every other text of the event, unknown fields too. */
export const eventText = (event: SessionEvent): string => {
  const others = Object.entries(event).filter(([name]) => !notSearched.has(name))
  const ran = event.kind === 'command' ? [event.line, event.argv.join(' ')] : []
  return document([...ran, stringsIn(Object.fromEntries(others)).join(' ')])
}

export const alertText = ({ title, explanation, rule, user, bastion, sourceIp, check, gap, entity }: Alert): string =>
  document([
    title,
    explanation,
    [rule, user, bastion, sourceIp, check, gap, entity.key].filter((part) => part !== null).join(' '),
  ])
