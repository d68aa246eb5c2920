import { createHash } from 'node:crypto'

const hashChars = 12 // 48 bits: who shares one with another is told apart in the row
const kept = 1_000
const known = new Map<string, string>()

/**
 * A term that the rows of a user have beside those of their texts, so that what somebody did is found without a look at
 * what all others did. Longer than any term of a text, and of lower case and no white space whatever the name is.
 */
export const userTerm = (user: string): string => {
  const found = known.get(user)
  if (found !== undefined) return found
  if (known.size >= kept) known.clear()
  const term = `user:${createHash('sha256').update(user).digest('hex').slice(0, hashChars)}`
  known.set(user, term)
  return term
}
