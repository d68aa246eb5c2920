import { openStatement, statementKeyOf, statementsRoot } from '../coverage/statement-format.ts'
import { hasCode } from '../errors.ts'
import { type CheckNote, tampered } from './acts.ts'

const form = new RegExp(`^(${statementsRoot}\\d{4}-\\d\\d-\\d\\d/)[A-Za-z0-9._-]{1,200}/\\d{4}$`)

/** What statements stand together; null: it is none. */
export const statementGroupOf = (key: string): string | null => form.exec(key)?.[1] ?? null

export const checkStatement: CheckNote = (key, bytes, verifier) => {
  try {
    const own = statementKeyOf(openStatement(bytes, verifier))
    return own === key ? null : tampered('misplaced', key, `it is the statement ${own}`)
  } catch (error) {
    if (hasCode(error, 'BTZ_EVIDENCE_CORRUPT')) return tampered('statement', key, (error as Error).message)
    throw error
  }
}
