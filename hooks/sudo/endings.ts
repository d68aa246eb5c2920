import type { SessionEnding } from '#hooks/hook.ts'
import { BartizanError } from '#services/errors.ts'

/** What a user may read when it goes wrong: sudo prints it after "error message received from server:". */
export const textFor = (error: unknown): string =>
  error instanceof BartizanError && error.code !== 'BTZ_INTERNAL'
    ? `Bartizan: ${error.message}`
    : 'Bartizan: this session cannot be recorded; the log of the recording service says why'

/** The end of a session whose client did not say how it ended. */
export const unfinished = (reason: SessionEnding['reason'], detail: string, runTimeNs: bigint): SessionEnding => ({
  reason,
  exitCode: null,
  signal: null,
  dumpedCore: false,
  detail,
  runTimeNs,
})
