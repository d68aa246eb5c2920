import { createToken, Lexer } from 'chevrotain'
import { fields } from './fields.ts'

/**
 * Tokens of the query language. Each pattern takes time in proportion to the text: what may repeat begins with a
 * character that what follows cannot begin with.
 */

const white = '\\s\\u0000-\\u001f\\u007f'
const colonFields = fields.map(({ name }) => name).filter((name) => name !== 'duration')

export const Blank = createToken({ name: 'Blank', pattern: new RegExp(`[${white}]+`), group: Lexer.SKIPPED })
export const Open = createToken({ name: 'Open', pattern: /\(/ })
export const Close = createToken({ name: 'Close', pattern: /\)/ })
export const Field = createToken({ name: 'Field', pattern: new RegExp(`(?:${colonFields.join('|')}):`) })
export const Duration = createToken({ name: 'Duration', pattern: /duration(?:[<>]=?|:)/ })
/** Before what is not wanted. `--force` is a word, and so is a single `-`. */
export const Minus = createToken({ name: 'Minus', pattern: new RegExp(`-(?=[^${white})-])`) })
/** With a * behind it, it is what a word begins with. */
export const Quoted = createToken({ name: 'Quoted', pattern: /"(?:[^"\\]|\\[\s\S])*"\*?/, line_breaks: true })
export const Unended = createToken({ name: 'Unended', pattern: /"[\s\S]*/, line_breaks: true })
/** A backslash takes their meaning from the characters of the language, and is itself before any other. */
export const Word = createToken({ name: 'Word', pattern: new RegExp(`(?:[^${white}()\\\\]|\\\\[^${white}]?)+`) })

const keyword = (name: string, text: string) => createToken({ name, pattern: new RegExp(text), longer_alt: Word })
export const Or = keyword('Or', 'OR')
export const And = keyword('And', 'AND')
export const Not = keyword('Not', 'NOT')

export const tokens = [Blank, Open, Close, Field, Duration, Minus, Quoted, Unended, Or, And, Not, Word]

export const lexer = new Lexer(tokens, { positionTracking: 'onlyOffset' })
