import type { Bus, NewRecord } from '#services/bus/bus.ts'
import { hasCode } from '#services/errors.ts'
import { type Signer, sealRecords } from '#services/origin/seal.ts'
import { type Carrier, retryLater } from '#services/uplink/carrier.ts'
import type { Sendable } from '#services/uplink/verdict.ts'

export type BusCarrierOptions = {
  bus: Pick<Bus, 'produce'>
  signer: Signer
  /** Whether what the signer signs is taken: before that nothing is sent, since readers would have to put it aside. */
  isKeyGood: () => boolean
}

const recordOf = ({ type, sessionId, body }: Sendable, bastion: string): NewRecord =>
  type === 'batch'
    ? { topic: 'session-frames', key: sessionId ?? '', value: body }
    : { topic: 'session-events', key: bastion, value: body }

/** `work`, or a rejection at the signal: then nobody knows how it ended. */
const until = async <T>(signal: AbortSignal, work: Promise<T>): Promise<T> => {
  const { promise: stopped, reject } = Promise.withResolvers<never>()
  const stop = () => reject(new Error('the agent stops'))
  signal.addEventListener('abort', stop, { once: true })
  try {
    return await Promise.race([work, stopped])
  } finally {
    signal.removeEventListener('abort', stop)
  }
}

/** Straight into the bus, each record signed. */
export const createBusCarrier = ({ bus, signer, isKeyGood }: BusCarrierOptions): Carrier => ({
  carry: async (_type, sent, signal) => {
    if (!isKeyGood()) return retryLater('the receiver has not registered the signing key of this agent')
    try {
      const records = sent.map((record) => recordOf(record, signer.bastion))
      await until(signal, bus.produce(sealRecords(records, signer)))
      return { verdict: { kind: 'taken', rejected: [] }, waitMs: null }
    } catch (error) {
      const why = (error as Error).message
      if (!hasCode(error, 'BTZ_BUS_RECORD_TOO_LARGE')) return retryLater(why)
      return { verdict: { kind: 'split', why }, waitMs: null }
    }
  },
  lookAgain: () => {},
})
