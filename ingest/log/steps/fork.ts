import { BartizanError } from '#services/errors.ts'

/** Nothing is overwritten, nothing signed: a person has to find out which of two histories is the true one. */
export const fork = (what: string, cause?: unknown): BartizanError =>
  new BartizanError('BTZ_LOG_FORK', what, {
    hint: 'the log stands still until this is explained; docs/transparency-log.md says how to look into it',
    ...(cause !== undefined && { cause }),
  })
