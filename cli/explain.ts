import { BartizanError } from '#services/errors.ts'
import { printable } from './printable.ts'

/** An error as the command line tells it. */
export const explain = (error: unknown): string => {
  if (!(error instanceof BartizanError)) return error instanceof Error ? (error.stack ?? error.message) : String(error)
  return `${error.message.split('\n').map(printable).join('\n')}${error.hint ? `\n  ${error.hint}` : ''} (${error.code})`
}
