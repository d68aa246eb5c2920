import { hash } from 'node:crypto'

const digestLength = 32
/** What is hardly longer than its digest would be: hashing that costs more than keeping it. */
const shortLength = 96

/** Equal for values that are equal as JSON with their keys in the same order. */
export const digestOf = (value: unknown): string => {
  const json = JSON.stringify(value)
  return json.length <= shortLength ? json : hash('sha256', json).slice(0, digestLength)
}
