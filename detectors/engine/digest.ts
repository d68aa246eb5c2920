import { hash } from 'node:crypto'

/** Equal for values that are equal as JSON with their keys in the same order. */
export const digestOf = (value: unknown): string => hash('sha256', JSON.stringify(value)).slice(0, 32)
