import { hash } from 'node:crypto'
import type { SshdLogState } from './state.ts'

/** A line that gives events: which one of its equals it is. */
export type LineId = { lineHash: string; nth: number }

const source = 'openssh'
const maxRemembered = 2048

/** Ids that live follow and a later import of the same lines agree on. Remembers the last lines that gave events. */
export const createLineIds = (bastion: string, remembered: SshdLogState['repeats']) => {
  const repeats = new Map(remembered.map(({ lineHash, ...repeat }) => [lineHash, repeat]))

  const ofLine = (line: string, atMs: number): LineId => {
    const lineHash = hash('sha256', `bartizan-line-v0\n${bastion}\n${source}\n${line}`)
    const seconds = Math.floor(atMs / 1000)
    const before = repeats.get(lineHash)
    const count = before?.seconds === seconds ? before.count + 1 : 1
    repeats.delete(lineHash)
    repeats.set(lineHash, { seconds, count })
    if (repeats.size > maxRemembered) repeats.delete(repeats.keys().next().value ?? '')
    return { lineHash, nth: count - 1 }
  }

  return {
    ofLine,
    snapshot: (): SshdLogState['repeats'] => [...repeats].map(([lineHash, repeat]) => ({ lineHash, ...repeat })),
  }
}

/** `part`: which of the events of its line. */
export const eventId = ({ lineHash, nth, part }: LineId & { part: number }): string =>
  hash('sha256', `bartizan-event-v0\n${lineHash}\n${nth}\n${part}`)
