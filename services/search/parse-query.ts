import type { IRecognitionException, IToken } from 'chevrotain'
import type { BartizanError } from '../errors.ts'
import type { SearchQuery } from '../schema/search-query.ts'
import { createParser } from './grammar.ts'
import { queryError } from './query-error.ts'
import { And, Close, Duration, Field, lexer, Minus, Not, Open, Or, Unended } from './tokens.ts'
import type { QueryTime } from './values.ts'

/** `chars`: the record of who searched for what holds all of it. */
export const queryLimits = { chars: 512, tokens: 128, depth: 16 } as const

const end = (text: string) => ({ start: text.length, end: text.length })
const at = ({ startOffset, image }: IToken) => ({ start: startOffset, end: startOffset + image.length })

/** How deep parentheses and negations stand in each other. */
const checkDepth = (found: readonly IToken[]): void => {
  let [open, negations] = [0, 0]
  for (const token of found) {
    const { tokenType } = token
    const negates = tokenType === Not || tokenType === Minus
    negations = negates ? negations + 1 : 0
    if (tokenType === Open) open++
    if (tokenType === Close) open = Math.max(0, open - 1)
    if (open + negations > queryLimits.depth)
      throw queryError('this is nested too deep', at(token), `at most ${queryLimits.depth} deep: make it two searches`)
  }
}

const tokensOf = (text: string): IToken[] => {
  if (text.length > queryLimits.chars)
    throw queryError(
      `a search of more than ${queryLimits.chars} characters`,
      { start: queryLimits.chars, end: text.length },
      'shorten it',
    )
  const { tokens: found, errors } = lexer.tokenize(text)
  const [error] = errors
  if (error)
    throw queryError('this cannot be read', { start: error.offset, end: error.offset + error.length }, 'quote it')
  const unended = found.find(({ tokenType }) => tokenType === Unended)
  if (unended) throw queryError('this quote has no end', at(unended), 'close it with ", or write \\" for the character')
  if (found.length > queryLimits.tokens) {
    const first = found[queryLimits.tokens]!
    throw queryError(
      `a search of more than ${queryLimits.tokens} parts`,
      { start: first.startOffset, end: text.length },
      'shorten it',
    )
  }
  checkDepth(found)
  return found
}

const missing = (before: IToken | undefined, position: { start: number; end: number }): BartizanError => {
  const type = before?.tokenType
  if (before && (type === Field || type === Duration)) {
    const hint = `write the value behind ${before.image} without a space; to look for ${before.image} itself, quote it`
    return queryError(`there is nothing behind ${before.image}`, at(before), hint)
  }
  if (before && (type === Or || type === And || type === Not || type === Minus)) {
    const hint = `write what ${before.image} is about; to look for the word itself, quote it`
    return queryError(`there is nothing behind ${before.image}`, at(before), hint)
  }
  return queryError('something is missing here', position, 'write a word, or quote what is to be looked for as it is')
}

const openBefore = (found: readonly IToken[]): IToken | undefined => {
  const open: IToken[] = []
  for (const token of found) {
    if (token.tokenType === Open) open.push(token)
    if (token.tokenType === Close) open.pop()
  }
  return open.at(-1)
}

const syntaxError = ({ token }: IRecognitionException, text: string, found: readonly IToken[]): BartizanError => {
  const place = found.indexOf(token)
  const isEnd = place < 0
  const before = isEnd ? found.at(-1) : found[place - 1]
  const { tokenType } = token
  if (isEnd) {
    const open = openBefore(found)
    const dangles = before && [Or, And, Not, Minus, Field, Duration].includes(before.tokenType)
    if (open && !dangles && before !== open)
      return queryError('this parenthesis is never closed', at(open), 'close it with ), or quote it')
    return missing(before, before ? at(before) : end(text))
  }
  if (tokenType === Close && before?.tokenType !== Open && !openBefore(found.slice(0, place)))
    return queryError('there is no ( to this )', at(token), 'remove it, or quote it')
  if ((tokenType === Or || tokenType === And) && (before === undefined || before.tokenType === Open)) {
    const hint = `write what stands before it; to look for the word itself, quote it`
    return queryError(`there is nothing before ${token.image}`, at(token), hint)
  }
  return missing(before, at(token))
}

const parser = createParser()

/**
 * The query language: see docs/search.md. `time`: what `2h`, `today` and dates without a zone are taken by; a tz that is
 * no zone of the IANA data base throws a RangeError.
 * @throws BTZ_QUERY_SYNTAX with the position in the text, and nothing else
 */
export const parseQuery = (text: string, time: QueryTime): SearchQuery => {
  const found = tokensOf(text)
  parser.input = found
  parser.time = time
  const query = parser.query()
  const [error] = parser.errors
  if (error) throw syntaxError(error, text, found)
  return query
}
