import type { Logger } from '#services/log.ts'
import { createBackoff } from '#services/uplink/backoff.ts'
import type { Carrier } from '#services/uplink/carrier.ts'
import { createDeliver } from '#services/uplink/deliver.ts'
import type { Rejected } from '#services/uplink/verdict.ts'
import type { SpoolRecord } from '../spool/record.ts'
import type { Spool } from '../spool/spool.ts'

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

  const reject = (rejected: readonly Rejected[]): void => {
    rejectedCount += rejected.length
    for (const { record, reason } of rejected.slice(0, 20)) {
      const { type, sessionId, seq } = record
      log.error({ type, sessionId, seq, reason }, 'uplink: this can never be taken')
    }
    options.onRejected(rejected)
  }
  const deliver = createDeliver({ carrier, log, onRejected: async (rejected) => reject(rejected) })
  const deliverAll = async (type: 'batch' | 'event', records: readonly SpoolRecord[]): Promise<boolean> => {
    const all = records.filter((record) => record.type === type)
    for (let from = 0; from < all.length; from += maxItems) {
      if (!(await deliver(type, all.slice(from, from + maxItems), signal))) return false
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
