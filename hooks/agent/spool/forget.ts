import { readSegment, type Segment } from './segment.ts'

/** Which of these sessions a segment holds something of. */
const heldIn = async (segment: Segment, sessionIds: ReadonlySet<string>): Promise<Set<string>> => {
  const held = new Set<string>()
  for await (const read of readSegment({ ...segment }, segment.base)) {
    const id = read.kind === 'record' ? read.record.sessionId : null
    if (id !== null && sessionIds.has(id)) held.add(id)
  }
  return held
}

/**
 * Makes room for what holds something of these sessions to go: files of the spool go as a whole, when the receiver has all
 * of them. @returns those of which something is still here
 */
export const forgetSessions = async (
  segments: readonly Segment[],
  sessionIds: ReadonlySet<string>,
  { roll, release }: { roll(): Promise<void>; release(): Promise<void> },
): Promise<Set<string>> => {
  const held = async (): Promise<Set<string>[]> => {
    const found: Set<string>[] = []
    for (const segment of [...segments]) found.push(await heldIn(segment, sessionIds))
    return found
  }
  const before = await held()
  if (before.every(({ size }) => size === 0)) return new Set()
  if (before.at(-1)!.size > 0) await roll()
  await release()
  return new Set((await held()).flatMap((ids) => [...ids]))
}
