import type { BusRecord } from '#services/bus/bus.ts'
import type { Clock } from '#services/clock.ts'
import type { DeadLetters } from '#services/dead-letters.ts'
import type { OriginCheck } from '#services/origin/origin-check.ts'
import { sealedTopics } from '#services/origin/seal.ts'

const tellEveryMs = 60_000
const maxTold = 1_000

/** `at`: where the record stands. */
export type Refused = { bastion: string; at: Pick<BusRecord, 'topic' | 'partition' | 'offset'>; reason: string }

export type OriginGate = {
  /** False: it does not prove that it may speak for this bastion, which its value names, and was put aside. */
  admits(record: BusRecord, bastion: string): Promise<boolean>
}

const createTellOnce = (clock: Clock, tell: (refused: Refused) => Promise<void>) => {
  const toldMs = new Map<string, number>()
  return async (refused: Refused): Promise<void> => {
    const name = `${refused.bastion}\n${refused.reason}`
    if (Math.abs(clock.now() - (toldMs.get(name) ?? Number.NEGATIVE_INFINITY)) < tellEveryMs) return
    await tell(refused)
    toldMs.set(name, clock.now())
    if (toldMs.size > maxTold) toldMs.delete(toldMs.keys().next().value!)
  }
}

/**
 * Lets records in whose origin is proven. `origins` null: nobody but ourselves can write to the bus. `tell` hears of what
 * was refused, of the same at most once a minute; all of it is a dead letter.
 */
export const createOriginGate = (options: {
  origins: OriginCheck | null
  deadLetters: DeadLetters
  clock: Clock
  tell?: (refused: Refused) => Promise<void>
}): OriginGate => {
  const { origins, deadLetters, clock, tell = async () => {} } = options
  const tellOnce = createTellOnce(clock, tell)
  return {
    admits: async (record, bastion) => {
      if (origins === null || !sealedTopics.includes(record.topic)) return true
      const reason = await origins.refuse(record, bastion)
      if (reason === null) return true
      await tellOnce({ bastion, at: record, reason })
      await deadLetters.write(record, { code: 'BTZ_ORIGIN_UNPROVEN', reason })
      return false
    },
  }
}
