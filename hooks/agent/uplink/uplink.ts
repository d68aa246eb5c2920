import type { Logger } from '#services/log.ts'
import type { SpoolRecord } from '../spool/record.ts'
import type { Spool } from '../spool/spool.ts'
import { createBackoff } from './backoff.ts'
import type { Carrier } from './carrier.ts'
import type { Rejected } from './verdict.ts'

/** Sends what the spool holds, in its order, and lets the acknowledged position follow what arrived. */
export type Uplink = {
  readonly rejectedCount: number
  /** How long what is being sent has been waiting for its answer; 0: nothing waits. */
  readonly lagMs: number
  /** Goes on until everything is sent or the limit is reached, then stops. */
  close(limitMs: number): Promise<void>
}

export type UplinkOptions = {
  spool: Pick<Spool, 'read' | 'waitBeyond' | 'acknowledge' | 'release' | 'acknowledgedPosition' | 'durablePosition'>
  carrier: Carrier
  maxUploadBytes: number
  log: Logger
  /** Of what can never be taken: told, counted, and passed over. */
  onRejected: (rejected: readonly Rejected[]) => void
  /** Places in the spool that could not be read. */
  onDamage: (positions: readonly number[]) => void
}

const maxItems = 5_000

export const startUplink = (options: UplinkOptions): Uplink => {
  const { spool, carrier, log } = options
  const stopping = new AbortController()
  const { signal } = stopping
  const backoff = createBackoff()
  let rejectedCount = 0
  let waitsSinceMs: number | null = null
  let quiet = false // the trouble was told

  const reject = (rejected: readonly Rejected[]): void => {
    if (rejected.length === 0) return
    rejectedCount += rejected.length
    for (const { record, reason } of rejected.slice(0, 20)) {
      const { type, sessionId, seq } = record
      log.error({ type, sessionId, seq, reason }, 'uplink: this can never be taken')
    }
    options.onRejected(rejected)
  }

  const trouble = (why: string): void => {
    log[quiet ? 'debug' : 'warn']({ why }, 'uplink: not delivered; recording goes on, it is tried again')
    quiet = true
  }

  /** False: stopped before all was taken. */
  const deliver = async (type: 'batch' | 'event', sent: readonly SpoolRecord[]): Promise<boolean> => {
    while (!signal.aborted) {
      const { verdict, waitMs } = await carrier.carry(type, sent, signal)
      if (verdict.kind === 'retry') {
        trouble(verdict.why)
        carrier.lookAgain()
        await backoff.pause(waitMs, signal)
        continue
      }
      if (quiet) log.info('uplink: delivers again')
      quiet = false
      backoff.reset()
      if (verdict.kind === 'taken') {
        reject(verdict.rejected)
        return true
      }
      if (sent.length === 1) {
        reject([{ record: sent[0]!, reason: verdict.why }])
        return true
      }
      const half = Math.ceil(sent.length / 2)
      return (await deliver(type, sent.slice(0, half))) && (await deliver(type, sent.slice(half)))
    }
    return false
  }
  const deliverAll = async (type: 'batch' | 'event', records: readonly SpoolRecord[]): Promise<boolean> => {
    const all = records.filter((record) => record.type === type)
    for (let from = 0; from < all.length; from += maxItems) {
      if (!(await deliver(type, all.slice(from, from + maxItems)))) return false
    }
    return true
  }

  const sendNext = async (position: number): Promise<number> => {
    const { records, nextPosition, damages } = await spool.read(position, options.maxUploadBytes)
    if (damages.length > 0) options.onDamage(damages)
    // Events first: they are small, and alerts wait for them.
    if (!(await deliverAll('event', records)) || !(await deliverAll('batch', records))) return position
    spool.acknowledge(nextPosition)
    void spool.release()
    return nextPosition
  }
  const sendOrWait = async (position: number): Promise<number> => {
    try {
      return await sendNext(position)
    } catch (error) {
      log.error({ err: error, position }, 'uplink: the spool could not be read; tried again')
      await backoff.pause(null, signal)
      return position
    }
  }
  const run = async (): Promise<void> => {
    let position = spool.acknowledgedPosition
    while (!signal.aborted) {
      waitsSinceMs = null
      await spool.waitBeyond(position, signal)
      while (!signal.aborted && spool.durablePosition > position) {
        waitsSinceMs = performance.now()
        position = await sendOrWait(position)
      }
    }
  }
  const running = run()

  return {
    get rejectedCount() {
      return rejectedCount
    },
    get lagMs() {
      return waitsSinceMs === null ? 0 : performance.now() - waitsSinceMs
    },
    close: async (limitMs) => {
      const end = performance.now() + limitMs
      while (spool.acknowledgedPosition < spool.durablePosition && performance.now() < end) {
        await new Promise((resolve) => setTimeout(resolve, 10))
      }
      stopping.abort()
      await running
    },
  }
}
