import type { Clock } from '../clock.ts'
import { BartizanError } from '../errors.ts'

export const maxSkewMs = 60_000

/** One answer of the store. `sentMs`, `receivedMs`: monotonic; `storeMs`: its Date header, cut to whole seconds. */
export type Sighting = { sentMs: number; receivedMs: number; storeMs: number }

/**
 * By how much a clock that shows `wallMs` at the monotonic time `nowMs` is surely ahead of the store's (negative: behind).
 * The store wrote its date somewhere between request and answer, and the second it cut off is not held against us.
 */
export const skewOf = ({ sentMs, receivedMs, storeMs }: Sighting, wallMs: number, nowMs: number): number => {
  const earliest = storeMs + (nowMs - receivedMs)
  const latest = storeMs + 999 + (nowMs - sentMs)
  if (wallMs > latest) return wallMs - latest
  return wallMs < earliest ? wallMs - earliest : 0
}

export type StoreClock = {
  /** Told of every answer. A date that cannot be read is ignored. */
  saw(sentMs: number, date: string | undefined): void
  /** Now; null before the first answer. */
  skewMs(): number | null
  /** @throws BTZ_CLOCK_SKEW, also after asking again; BTZ_UNAVAILABLE when the store never told its time */
  check(): Promise<void>
}

/**
 * Compares our clock with the store's by the date of each answer, and between answers by the monotonic clock, so that a
 * jump of ours is seen before the next put. `ask` makes any request.
 */
export const createStoreClock = (clock: Clock, ask: () => Promise<unknown>): StoreClock => {
  let last: Sighting | null = null
  const skewMs = () => last && skewOf(last, clock.now(), performance.now())
  const isRight = () => Math.abs(skewMs() ?? Number.POSITIVE_INFINITY) <= maxSkewMs
  return {
    saw: (sentMs, date) => {
      const storeMs = Date.parse(date ?? '')
      if (Number.isFinite(storeMs)) last = { sentMs, receivedMs: performance.now(), storeMs }
    },
    skewMs,
    check: async () => {
      if (isRight()) return
      await ask()
      if (isRight()) return
      const skew = skewMs()
      if (skew === null) throw new BartizanError('BTZ_UNAVAILABLE', 'the evidence store does not tell its time')
      const seconds = Math.round(Math.abs(skew) / 1000)
      const side = skew > 0 ? 'ahead of' : 'behind'
      throw new BartizanError('BTZ_CLOCK_SKEW', `this clock is ${seconds} s ${side} the evidence store's`, {
        hint: 'set both clocks (NTP): a retention date from a wrong clock cannot be taken back',
      })
    },
  }
}
