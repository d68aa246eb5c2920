import { BartizanError, type ErrorPosition } from '../errors.ts'

/** A query that cannot be read: what is wrong, where, and what to do about it. */
export const queryError = (message: string, position: ErrorPosition, hint: string): BartizanError =>
  new BartizanError('BTZ_QUERY_SYNTAX', message, { hint, position })
