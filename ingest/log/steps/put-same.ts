import { hasCode } from '#services/errors.ts'
import { longestRetention } from '#services/recordings/longest-retention.ts'
import type { LogContext } from '../context.ts'
import { fork } from './fork.ts'

const atOnce = 8

export type LogObject = { key: string; bytes: Uint8Array }

const putOne = async ({ recordings, clock, maxRetentionYears }: LogContext, { key, bytes }: LogObject) => {
  const until = longestRetention(clock.now(), maxRetentionYears)
  await recordings.put(key, bytes, { retainUntil: until }).catch((error: unknown) => {
    if (!hasCode(error, 'BTZ_RECORDING_EXISTS')) throw error
  })
  if (Buffer.compare(await recordings.get(key), bytes) !== 0) throw fork(`${key} holds other bytes than it must`)
}

/**
 * Resolves when these bytes were read back from under each key, whoever put them there.
 * @throws BTZ_LOG_FORK when other bytes stand under one of them
 */
export const putSame = async (ctx: LogContext, objects: readonly LogObject[]): Promise<void> => {
  for (let first = 0; first < objects.length; first += atOnce)
    await Promise.all(objects.slice(first, first + atOnce).map((object) => putOne(ctx, object)))
}
