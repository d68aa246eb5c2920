import { create, toBinary } from '@bufbuild/protobuf'
import type { Logger } from '#services/log.ts'
import { BatchUploadSchema } from '#services/schema/generated/frame_batch_pb.ts'
import type { SpoolRecord } from '../spool/record.ts'
import type { Spool } from '../spool/spool.ts'
import { createBackoff } from './backoff.ts'
import type { ReceiverClient } from './receiver-client.ts'
import { judgeBatches, judgeEvents, type Rejected, type Verdict } from './verdict.ts'

/** Sends what the spool holds, in its order, and lets the acknowledged position follow the receiver's answers. */
export type Uplink = {
  readonly rejectedCount: number
  /** How long what is being sent has been waiting for its answer; 0: nothing waits. */
  readonly lagMs: number
  /** Goes on until everything is sent or the limit is reached, then stops. */
  close(limitMs: number): Promise<void>
}

export type UplinkOptions = {
  spool: Pick<Spool, 'read' | 'waitBeyond' | 'acknowledge' | 'release' | 'acknowledgedPosition' | 'durablePosition'>
  client: ReceiverClient
  maxUploadBytes: number
  log: Logger
  /** Of what the receiver can never take: told, counted, and passed over. */
  onRejected: (rejected: readonly Rejected[]) => void
  /** Places in the spool that could not be read. */
  onDamage: (positions: readonly number[]) => void
}

const maxItems = 5_000
const callTimeoutMs = 60_000
const notAccepted: Verdict = { kind: 'retry', why: 'the receiver rejects records and has not accepted this agent yet' }
const newline = Buffer.from('\n')

type Kind = {
  path: string
  contentType: string
  body: (sent: readonly SpoolRecord[]) => Uint8Array
  judge: typeof judgeBatches
}
const kinds: Record<'batch' | 'event', Kind> = {
  batch: {
    path: '/api/ingest/batches',
    contentType: 'application/x-protobuf',
    body: (sent) => toBinary(BatchUploadSchema, create(BatchUploadSchema, { batches: sent.map(({ body }) => body) })),
    judge: judgeBatches,
  },
  event: {
    path: '/api/ingest/events',
    contentType: 'application/x-ndjson',
    body: (sent) => Buffer.concat(sent.flatMap(({ body }) => [body, newline])),
    judge: judgeEvents,
  },
}

export const startUplink = (options: UplinkOptions): Uplink => {
  const { spool, client, log } = options
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
      log.error({ type, sessionId, seq, reason }, 'uplink: the receiver can never take this')
    }
    options.onRejected(rejected)
  }

  const attempt = async (
    kind: Kind,
    sent: readonly SpoolRecord[],
  ): Promise<{ verdict: Verdict; waitMs: number | null }> => {
    const { path, contentType } = kind
    try {
      const call = {
        method: 'POST' as const,
        path,
        contentType,
        body: kind.body(sent),
        timeoutMs: callTimeoutMs,
        signal,
      }
      const answer = await client.call(call)
      const verdict = kind.judge(sent, answer)
      const isRefusal = verdict.kind === 'taken' && verdict.rejected.length > 0
      // A token of another bastion has everything rejected: nothing is given up before we know that ours is right.
      if (isRefusal && !client.isAccepted) return { verdict: notAccepted, waitMs: null }
      return { verdict, waitMs: answer.retryAfterMs }
    } catch (error) {
      return { verdict: { kind: 'retry', why: (error as Error).message }, waitMs: null }
    }
  }
  const trouble = (why: string): void => {
    log[quiet ? 'debug' : 'warn']({ why }, 'uplink: not delivered; recording goes on, it is tried again')
    quiet = true
  }

  /** False: stopped before all was taken. */
  const deliver = async (kind: Kind, sent: readonly SpoolRecord[]): Promise<boolean> => {
    while (!signal.aborted) {
      const { verdict, waitMs } = await attempt(kind, sent)
      if (verdict.kind === 'retry') {
        trouble(verdict.why)
        client.lookAgain()
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
      return (await deliver(kind, sent.slice(0, half))) && (await deliver(kind, sent.slice(half)))
    }
    return false
  }
  const deliverAll = async (type: 'batch' | 'event', records: readonly SpoolRecord[]): Promise<boolean> => {
    const all = records.filter((record) => record.type === type)
    for (let from = 0; from < all.length; from += maxItems) {
      if (!(await deliver(kinds[type], all.slice(from, from + maxItems)))) return false
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
