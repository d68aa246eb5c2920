import { stat } from 'node:fs/promises'
import { listSegments } from './spool/segment.ts'
import type { Spool } from './spool/spool.ts'

type Positions = Pick<Spool, 'acknowledgedPosition' | 'durablePosition'>
type Mark = { position: number; atMs: number } // the spool ended here then

const maxMarks = 512

/** Half of them: an age is then a little too small, and the memory of a long outage stays bounded. */
const thinned = (marks: Mark[]): Mark[] => (marks.length <= maxMarks ? marks : marks.filter((_, at) => at % 2 === 0))

/** How long the oldest record waits that the receiver does not have. `look` is called now and then. */
export type SpoolAge = { look(): void; oldestMs(): number }

/** `firstMs`: when what waits from before was written, as far as is known. */
export const createSpoolAge = (spool: Positions, now: () => number, firstMs: number): SpoolAge => {
  let marks: Mark[] = [{ position: spool.durablePosition, atMs: firstMs }]
  let reached = spool.durablePosition

  const look = (): void => {
    if (spool.durablePosition > reached) marks.push({ position: spool.durablePosition, atMs: now() })
    reached = spool.durablePosition
    marks = thinned(marks.filter(({ position }) => position > spool.acknowledgedPosition))
  }
  return {
    look,
    oldestMs: () => {
      look()
      const [first] = marks
      return first === undefined ? 0 : Math.max(0, now() - first.atMs)
    },
  }
}

/** When the file was last written in which the first record stands that was not taken; null: there is none. */
export const waitingSinceMs = async (folder: string, spool: Positions): Promise<number | null> => {
  if (spool.acknowledgedPosition >= spool.durablePosition) return null
  const file = (await listSegments(folder)).findLast(({ base }) => base <= spool.acknowledgedPosition)?.file
  return file === undefined ? null : Math.floor((await stat(file)).mtimeMs)
}
