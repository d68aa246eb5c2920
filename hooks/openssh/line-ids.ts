import { hash } from 'node:crypto'
import type { SshdLogState } from './state.ts'

const maxRemembered = 2048

type Repeat = { seconds: number; count: number }
const digest = (line: string): string => hash('sha256', `bartizan-line-v0\n${line}`)

/** Ids that live follow and a later import of the same lines agree on. Remembers the last lines that gave events. */
export const createLineIds = (bastion: string, remembered: SshdLogState['repeats'], source = 'openssh') => {
  const before = new Map(remembered.map(({ lineHash, ...repeat }) => [lineHash, repeat]))
  const repeats = new Map<string, Repeat>()

  const recall = (line: string): Repeat | undefined => {
    const repeat = repeats.get(line)
    if (repeat || before.size === 0) return repeat
    const lineHash = digest(line)
    const restored = before.get(lineHash)
    before.delete(lineHash)
    return restored
  }

  const remember = (line: string, repeat: Repeat): void => {
    repeats.delete(line)
    repeats.set(line, repeat)
    while (repeats.size + before.size > maxRemembered) {
      const oldest = before.size > 0 ? before : repeats
      oldest.delete(oldest.keys().next().value ?? '')
    }
  }

  return {
    /** Which one of its equals of that second a line is. */
    nth: (line: string, atMs: number): number => {
      const seconds = Math.floor(atMs / 1000)
      const known = recall(line)
      const count = known?.seconds === seconds ? known.count + 1 : 1
      remember(line, { seconds, count })
      return count - 1
    },
    /** `part`: which of the events of its line. */
    of: (line: string, nth: number, part: number): string =>
      hash('sha256', `bartizan-event-v0\n${bastion}\n${source}\n${nth}\n${part}\n${line}`),
    snapshot: (): SshdLogState['repeats'] => [
      ...[...before].map(([lineHash, repeat]) => ({ lineHash, ...repeat })),
      ...[...repeats].map(([line, repeat]) => ({ lineHash: digest(line), ...repeat })),
    ],
  }
}
