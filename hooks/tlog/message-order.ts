import type { TlogMessage } from './message.ts'
import type { Piece } from './pieces.ts'

/** A message whose timing was read. */
export type Part = { message: TlogMessage; pieces: readonly Piece[] }
/** `missing`: messages before it that never came. */
export type Ordered = Part & { missing: number }

const maxWaiting = 64
const patienceMs = 10_000 // what syslog or a relay brings out of order comes within seconds

/**
 * Messages of one recording by their ids, whatever the order they come in. What is missing is waited for: 10 s of
 * `nowMs`, or until 64 messages wait behind it. `nextId`: 1 at a recording's start.
 */
export const createMessageOrder = (start: number) => {
  let nextId = start
  let sinceMs = 0
  const waiting = new Map<number, Part>()

  const inTurn = (missing: number): Ordered[] => {
    const ready: Ordered[] = []
    for (let part = waiting.get(nextId); part; part = waiting.get(nextId)) {
      waiting.delete(nextId)
      nextId += 1
      ready.push({ ...part, missing: ready.length === 0 ? missing : 0 })
    }
    return ready
  }
  const giveUp = (nowMs: number): Ordered[] => {
    const first = Math.min(...waiting.keys())
    const missing = first - nextId
    nextId = first
    sinceMs = nowMs
    return inTurn(missing)
  }

  return {
    get nextId() {
      return nextId
    },
    get waits() {
      return waiting.size > 0
    },
    /** Null: it was there before. */
    take: (part: Part, nowMs: number): Ordered[] | null => {
      const { id } = part.message
      if (id < nextId || waiting.has(id)) return null
      if (waiting.size === 0) sinceMs = nowMs
      waiting.set(id, part)
      const ready = inTurn(0)
      if (ready.length > 0) sinceMs = nowMs
      return waiting.size > maxWaiting ? [...ready, ...giveUp(nowMs)] : ready
    },
    /** What waited long enough. */
    overdue: (nowMs: number): Ordered[] => (waiting.size > 0 && nowMs - sinceMs >= patienceMs ? giveUp(nowMs) : []),
    /** All that waits: nothing more comes. */
    rest: (nowMs: number): Ordered[] => {
      const all: Ordered[] = []
      while (waiting.size > 0) all.push(...giveUp(nowMs))
      return all
    },
  }
}
