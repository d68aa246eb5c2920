import { EmbeddedActionsParser, type IToken } from 'chevrotain'
import type { SearchQuery } from '../schema/search-query.ts'
import type { FieldName } from './fields.ts'
import { queryError } from './query-error.ts'
import { And, Close, Duration, Field, Minus, Not, Open, Or, Quoted, tokens, Word } from './tokens.ts'
import { typedOf } from './typed.ts'
import { durationOf, fieldOf, type QueryTime, type Typed, textOf } from './values.ts'

const positionOf = ({ startOffset, image }: IToken) => ({ start: startOffset, end: startOffset + image.length })

const oneOf = (is: 'all' | 'any', of: SearchQuery[]): SearchQuery => (of.length === 1 ? of[0]! : { is, of })

/** Directly behind it: `user: alice` would be read as two things by people, and as one by us. */
const valueBehind = (field: IToken, value: IToken): Typed => {
  const { end } = positionOf(field)
  if (value.startOffset === end) return typedOf(value.image, positionOf(value))
  const hint = `write the value behind ${field.image} without a space; to look for ${field.image} itself, quote it`
  throw queryError(`there is nothing behind ${field.image}`, positionOf(field), hint)
}

/**
 * query: anyOf?   anyOf: allOf (OR allOf)*   allOf: unary (AND? unary)*   unary: (NOT | -) unary | primary
 * primary: ( anyOf ) | field value | duration word | word | quoted
 */
class QueryParser extends EmbeddedActionsParser {
  time: QueryTime = { nowMs: 0, tz: 'UTC' }

  constructor() {
    super(tokens, { recoveryEnabled: false, maxLookahead: 2 })
    this.performSelfAnalysis()
  }

  query = this.RULE('query', (): SearchQuery => this.OPTION(() => this.SUBRULE(this.anyOf)) ?? { is: 'all', of: [] })

  anyOf = this.RULE('anyOf', (): SearchQuery => {
    const of = [this.SUBRULE(this.allOf)]
    this.MANY(() => {
      this.CONSUME(Or)
      of.push(this.SUBRULE2(this.allOf))
    })
    return oneOf('any', of)
  })

  allOf = this.RULE('allOf', (): SearchQuery => {
    const of = [this.SUBRULE(this.unary)]
    this.MANY(() => {
      this.OPTION(() => this.CONSUME(And))
      of.push(this.SUBRULE2(this.unary))
    })
    return oneOf('all', of)
  })

  unary: (idx?: number) => SearchQuery = this.RULE(
    'unary',
    (): SearchQuery =>
      this.OR([
        {
          ALT: (): SearchQuery => {
            this.CONSUME(Not)
            return { is: 'not', of: this.SUBRULE(this.unary) }
          },
        },
        {
          ALT: (): SearchQuery => {
            this.CONSUME(Minus)
            return { is: 'not', of: this.SUBRULE2(this.unary) }
          },
        },
        { ALT: (): SearchQuery => this.SUBRULE(this.primary) },
      ]),
  )

  primary = this.RULE(
    'primary',
    (): SearchQuery =>
      this.OR([
        {
          ALT: (): SearchQuery => {
            this.CONSUME(Open)
            const inner = this.SUBRULE(this.anyOf)
            this.CONSUME(Close)
            return inner
          },
        },
        { ALT: (): SearchQuery => this.SUBRULE(this.field) },
        { ALT: (): SearchQuery => this.SUBRULE(this.duration) },
        {
          ALT: (): SearchQuery => {
            const token = this.SUBRULE(this.value)
            return this.ACTION(() => textOf(typedOf(token.image, positionOf(token)), null))
          },
        },
      ]),
  )

  field = this.RULE('field', (): SearchQuery => {
    const name = this.CONSUME(Field)
    const value = this.SUBRULE(this.value)
    return this.ACTION(() =>
      fieldOf(name.image.slice(0, -1) as Exclude<FieldName, 'duration'>, valueBehind(name, value), this.time),
    )
  })

  duration = this.RULE('duration', (): SearchQuery => {
    const operator = this.CONSUME(Duration)
    const value = this.CONSUME(Word)
    return this.ACTION(() => durationOf(operator.image, valueBehind(operator, value), this.time))
  })

  value = this.RULE(
    'value',
    (): IToken => this.OR([{ ALT: (): IToken => this.CONSUME(Word) }, { ALT: () => this.CONSUME(Quoted) }]),
  )
}

export const createParser = () => new QueryParser()
