import { setTimeout as sleep } from 'node:timers/promises'
import { BartizanError } from '#services/errors.ts'
import { EventsAnswer } from '#services/schema/uplink.ts'
import { type Instance, refusalOf } from '../instance.ts'

const maxEvents = 5_000
const maxChars = 4 * 1024 * 1024
const callTimeoutMs = 60_000
const patienceMs = 600_000
const longestPauseMs = 30_000
const forbidden = /may not write for bastion/

export type Refused = { origin: number; reason: string }

const retryAfterMs = (response: Response | null): number => {
  const seconds = Number(response?.headers.get('retry-after') ?? 0)
  return Number.isFinite(seconds) ? Math.min(Math.max(0, seconds), 300) * 1_000 : 0
}

/** Until it is taken. A restart of the instance, and one that is too busy, are waited for. */
const post = async ({ url, token }: Instance, body: string): Promise<EventsAnswer> => {
  const giveUpMs = performance.now() + patienceMs
  for (let pauseMs = 250; ; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
    const response = await fetch(`${url}/api/ingest/events`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/x-ndjson' },
      body,
      signal: AbortSignal.timeout(callTimeoutMs),
    }).catch(() => null)
    if (response?.ok) return EventsAnswer.parse(await response.json())
    const isLater = response === null || response.status === 429 || response.status >= 500
    if (!isLater) throw await refusalOf(response)
    await response?.body?.cancel()
    const waitMs = Math.max(pauseMs * (0.5 + Math.random() / 2), retryAfterMs(response))
    if (performance.now() + waitMs > giveUpMs)
      throw new BartizanError('BTZ_UNAVAILABLE', `the instance takes no events (${response?.status ?? 'no answer'})`, {
        hint: 'import the same files again later: what was taken is not taken twice',
      })
    await sleep(waitMs)
  }
}

/**
 * Events to the running instance, some thousands at a time; while one request is under way the next is filled.
 * `origin`: given back with what is refused.
 */
export const createEventSender = (instance: Instance, onRefused: (refused: Refused) => void) => {
  let lines: string[] = []
  let origins: number[] = []
  let chars = 0
  let sending: Promise<void> = Promise.resolve()

  const send = async (body: string, from: readonly number[]): Promise<void> => {
    const { rejected } = await post(instance, body)
    for (const { line, reason } of rejected) {
      if (forbidden.test(reason))
        throw new BartizanError('BTZ_FORBIDDEN', reason, {
          hint: "name the token's bastion with --bastion, or use a token with role admin",
        })
      onRefused({ origin: from[line - 1] ?? 0, reason })
    }
  }
  const flush = async (): Promise<void> => {
    await sending
    if (lines.length > 0) sending = send(lines.join('\n'), origins)
    sending.catch(() => undefined) // whoever waits for it next hears of it
    lines = []
    origins = []
    chars = 0
  }
  return {
    add: async (event: object, origin: number): Promise<void> => {
      const line = JSON.stringify(event)
      lines.push(line)
      origins.push(origin)
      chars += line.length
      if (lines.length >= maxEvents || chars >= maxChars) await flush()
    },
    /** Everything that was added is taken. @throws BTZ_FORBIDDEN BTZ_UNAVAILABLE BTZ_REQUEST_INVALID */
    finish: async (): Promise<void> => {
      await flush()
      await sending
    },
  }
}
