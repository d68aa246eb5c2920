import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { diskError, systemCode } from '../disk-error.ts'
import { writeFileDurably } from '../durable-file.ts'
import { BartizanError } from '../errors.ts'
import type { TopicPartition } from './bus.ts'
import { createGathering } from './gather.ts'

const GroupsFile = z.object({
  format: z.literal(0),
  groups: z.record(z.string(), z.record(z.string(), z.number().int().nonnegative())),
})

type Offsets = Map<string, number> // by topic/partition
type Groups = Map<string, Offsets>

export type GroupCommits = {
  /** Gives a group its first offset of each partition it does not have yet; at once in memory, resolves when durable. */
  register(group: string, starts: (TopicPartition & { offset: number })[]): Promise<void>
  /** Where a member begins. May be ahead of what is durable, while it is being written. */
  committed(group: string, at: TopicPartition): number
  /** Resolves when durable; lower than before: no effect. */
  commit(group: string, at: TopicPartition, nextOffset: number): Promise<void>
  durablyCommitted(group: string, at: TopicPartition): number
  /** The lowest durable offset of all groups that ever subscribed; Infinity without any. */
  durableFloor(at: TopicPartition): number
  groups(): string[]
  has(group: string, at: TopicPartition): boolean
}

const keyOf = ({ topic, partition }: TopicPartition): string => `${topic}/${partition}`

const readGroups = async (path: string): Promise<Groups> => {
  try {
    const file = GroupsFile.parse(JSON.parse(await readFile(path, 'utf8')))
    return new Map(Object.entries(file.groups).map(([group, offsets]) => [group, new Map(Object.entries(offsets))]))
  } catch (cause) {
    if (systemCode(cause) === 'ENOENT') return new Map()
    throw new BartizanError('BTZ_BUS_CORRUPT', `${path} at offset 0: not readable as committed offsets`, {
      cause,
      hint: 'restore it from a copy, or move it away: then every group starts at its oldest record',
    })
  }
}

const serialize = (groups: Groups): string => {
  const offsets = Object.fromEntries([...groups].map(([group, held]) => [group, Object.fromEntries(held)]))
  return `${JSON.stringify({ format: 0, groups: offsets })}\n`
}

/** All groups in one small file, replaced as a whole; commits made while one is written share the next. */
export const openGroupCommits = async (folder: string): Promise<GroupCommits> => {
  const path = join(folder, 'groups.json')
  const groups = await readGroups(path)
  let durable: Groups = structuredClone(groups)

  const flushes = createGathering<null, void>(async (calls) => {
    const snapshot = structuredClone(groups)
    try {
      await writeFileDurably(path, serialize(snapshot))
    } catch (error) {
      throw diskError(error, path)
    }
    durable = snapshot
    return calls.map(() => undefined)
  })
  const offsetsOf = (group: string): Offsets => {
    const offsets = groups.get(group) ?? new Map<string, number>()
    groups.set(group, offsets)
    return offsets
  }
  /** A group that is being registered holds from the first moment on. */
  const heldFrom = (group: string, key: string): number =>
    durable.get(group)?.get(key) ?? groups.get(group)?.get(key) ?? Number.POSITIVE_INFINITY
  const committed = (group: string, at: TopicPartition): number => groups.get(group)?.get(keyOf(at)) ?? 0

  return {
    async register(group, starts) {
      const offsets = offsetsOf(group)
      for (const start of starts) if (!offsets.has(keyOf(start))) offsets.set(keyOf(start), start.offset)
      const isDurable = starts.every((start) => durable.get(group)?.has(keyOf(start)))
      if (!isDurable) await flushes.add(null)
    },
    committed,
    durablyCommitted: (group, at) => durable.get(group)?.get(keyOf(at)) ?? 0,
    async commit(group, at, nextOffset) {
      if (nextOffset > committed(group, at)) offsetsOf(group).set(keyOf(at), nextOffset)
      if (nextOffset > (durable.get(group)?.get(keyOf(at)) ?? 0)) await flushes.add(null)
    },
    durableFloor: (at) => Math.min(...[...groups.keys()].map((group) => heldFrom(group, keyOf(at)))),
    groups: () => [...groups.keys()],
    has: (group, at) => groups.get(group)?.has(keyOf(at)) ?? false,
  }
}
