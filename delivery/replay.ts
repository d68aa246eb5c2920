import type { Bus, BusRecord, Topic } from '#services/bus/bus.ts'
import type { Cursor } from './cursor.ts'

/** Sending again what was sent: with new numbers, since those of a sequence come once; receivers know items by their ids. */

export type Ranges = NonNullable<Cursor['replay']>

const readTogether = 32

const placeOf = (name: string) => {
  const [topic, partition] = name.split('/') as [Topic, string]
  return { topic, partition: Number(partition) }
}

/** The first offset that the bus took at that time or later. The bus's times grow with the offsets. */
const firstSince = async (bus: Pick<Bus, 'read'>, name: string, end: number, fromMs: number): Promise<number> => {
  let [low, high] = [0, end]
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    const [record] = await bus.read(placeOf(name), middle, 1)
    if (record === undefined || record.offset >= end || record.timestampMs >= fromMs) high = middle
    else low = record.offset + 1
  }
  return low
}

export const rangesSince = async (bus: Pick<Bus, 'read'>, next: Cursor['next'], fromMs: number): Promise<Ranges> => {
  const ranges: Ranges = {}
  for (const [name, end] of Object.entries(next)) {
    const from = await firstSince(bus, name, end, fromMs)
    if (from < end) ranges[name] = { next: from, end }
  }
  return ranges
}

export const rangesFrom = (next: Cursor['next'], from: Record<string, number>): Ranges =>
  Object.fromEntries(
    Object.entries(next)
      .map(([name, end]) => [name, { next: from[name] ?? 0, end }] as const)
      .filter(([, range]) => range.next < range.end),
  )

export type Chunk = { records: BusRecord[]; left: Cursor['replay'] }

/** The next records of a replay, and what is left of it after them. */
export const nextChunk = async (bus: Pick<Bus, 'read'>, ranges: Ranges): Promise<Chunk> => {
  const [first] = Object.entries(ranges)
  if (first === undefined) return { records: [], left: null }
  const [name, { next, end }] = first
  const read = await bus.read(placeOf(name), next, Math.min(readTogether, end - next))
  const records = read.filter(({ offset }) => offset < end)
  const reached = records.length === 0 ? end : records.at(-1)!.offset + 1
  const { [name]: _done, ...others } = ranges
  const left = reached < end ? { [name]: { next: reached, end }, ...others } : others
  return { records, left: Object.keys(left).length === 0 ? null : left }
}

/** One record more. */
export const withRecord = (ranges: Ranges | null, name: string, offset: number): Ranges => {
  const { next, end } = ranges?.[name] ?? { next: offset, end: offset + 1 }
  return { ...ranges, [name]: { next: Math.min(next, offset), end: Math.max(end, offset + 1) } }
}
