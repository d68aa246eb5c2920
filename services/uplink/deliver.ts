import type { Logger } from '../log.ts'
import { createBackoff } from './backoff.ts'
import type { Carrier } from './carrier.ts'
import type { Rejected, Sendable } from './verdict.ts'

export type DeliverOptions = {
  carrier: Carrier
  log: Logger
  /** Of what can never be taken; awaited before what comes after it. */
  onRejected(rejected: readonly Rejected[]): Promise<void>
}

/** Sends records of one type until all of them were taken or refused for good, however long that takes. */
export const createDeliver = ({ carrier, log, onRejected }: DeliverOptions) => {
  const backoff = createBackoff()
  let quiet = false // the trouble was told

  const trouble = (why: string): void => {
    log[quiet ? 'debug' : 'warn']({ why }, 'uplink: not delivered; recording goes on, it is tried again')
    quiet = true
  }
  const arrived = (): void => {
    if (quiet) log.info('uplink: delivers again')
    quiet = false
    backoff.reset()
  }
  /** False: stopped before all was taken. */
  const deliver = async (type: 'batch' | 'event', sent: readonly Sendable[], signal: AbortSignal): Promise<boolean> => {
    while (!signal.aborted) {
      const { verdict, waitMs } = await carrier.carry(type, sent, signal)
      if (verdict.kind === 'retry') {
        if (signal.aborted) return false
        trouble(verdict.why)
        carrier.lookAgain()
        await backoff.pause(waitMs, signal)
        continue
      }
      arrived()
      if (verdict.kind === 'taken') {
        if (verdict.rejected.length > 0) await onRejected(verdict.rejected)
        return true
      }
      if (sent.length === 1) {
        await onRejected([{ record: sent[0]!, reason: verdict.why }])
        return true
      }
      const half = Math.ceil(sent.length / 2)
      return (await deliver(type, sent.slice(0, half), signal)) && (await deliver(type, sent.slice(half), signal))
    }
    return false
  }
  return deliver
}
