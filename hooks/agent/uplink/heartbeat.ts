import type { z } from 'zod'
import type { Logger } from '#services/log.ts'
import { type Heartbeat, HeartbeatAnswer } from '#services/schema/uplink.ts'
import { createBackoff, sleep } from '#services/uplink/backoff.ts'
import type { ReceiverClient } from '#services/uplink/receiver-client.ts'
import { clockOffsetMs } from './clock-offset.ts'

export type HeartbeatOptions = {
  client: ReceiverClient
  everyMs: number
  log: Logger
  beat: () => Omit<z.input<typeof Heartbeat>, 'waitMs' | 'everyMs' | 'at'>
  onOrder: (order: HeartbeatAnswer['orders'][number]) => void
  onSigningKey: (standing: HeartbeatAnswer['signingKey']) => void
  onEvidence: (evidence: HeartbeatAnswer['evidence']) => void
  onAnswer?: (answer: HeartbeatAnswer) => void
  /** Our clock less the receiver's, in ms. */
  onClockOffset?: (offsetMs: number) => void
}

export type HeartbeatLoop = { close(): Promise<void> }

const maxWaitMs = 10_000
const marginMs = 15_000
const pauseAfterOrderMs = 100

/** Says that the agent lives and what it holds; the answer is held open, so that orders arrive at once. */
export const startHeartbeat = (options: HeartbeatOptions): HeartbeatLoop => {
  const { client, everyMs, log, beat, onOrder, onSigningKey, onEvidence } = options
  const stopping = new AbortController()
  const { signal } = stopping
  const backoff = createBackoff()
  let isFirst = true // of a connection: answered at once, since the uplink waits to hear that we are accepted

  let askedForMs: number | null = null // Retry-After of the last answer

  const exchange = async (waitMs: number): Promise<HeartbeatAnswer> => {
    const [sentAtMs, startedMs] = [Date.now(), performance.now()]
    const at = new Date(sentAtMs).toISOString()
    const body = Buffer.from(JSON.stringify({ ...beat(), at, waitMs, everyMs } satisfies z.input<typeof Heartbeat>))
    const call = { method: 'PUT' as const, path: '/api/agents/heartbeat', contentType: 'application/json' }
    const answer = await client.call({ ...call, body, timeoutMs: waitMs + marginMs, signal })
    askedForMs = answer.retryAfterMs
    if (answer.status !== 200) throw new Error(`the receiver answered ${answer.status}`)
    const tookMs = performance.now() - startedMs
    const parsed = HeartbeatAnswer.parse(answer.body)
    const offsetMs = parsed.clock && clockOffsetMs({ sentAtMs, tookMs, ...parsed.clock })
    if (typeof offsetMs === 'number') options.onClockOffset?.(offsetMs)
    return parsed
  }
  const once = async (): Promise<void> => {
    const startedMs = performance.now()
    const answer = await exchange(isFirst ? 0 : Math.min(everyMs, maxWaitMs))
    const { orders, signingKey, evidence } = answer
    client.accepted()
    backoff.reset()
    options.onAnswer?.(answer)
    for (const order of orders) onOrder(order)
    onSigningKey(signingKey)
    onEvidence(evidence)
    // After an order the next answer has to be on hold again soon, or a second order would wait.
    const pauseMs = isFirst || orders.length > 0 ? pauseAfterOrderMs : everyMs - (performance.now() - startedMs)
    isFirst = false
    await sleep(Math.max(0, Math.min(everyMs, pauseMs)), signal)
  }
  const onceOrLater = async (): Promise<void> => {
    try {
      await once()
    } catch (error) {
      if (signal.aborted) return
      log.debug({ err: error }, 'heartbeat: no answer')
      isFirst = true
      client.lookAgain()
      await backoff.pause(askedForMs, signal)
    }
  }
  const run = async (): Promise<void> => {
    while (!signal.aborted) await onceOrLater()
  }
  const running = run()
  return {
    close: async () => {
      stopping.abort()
      await running
    },
  }
}
