import { BartizanError } from '../errors.ts'
import type { Logger } from '../log.ts'
import type { BusRecord, Following, TopicPartition } from './bus.ts'
import { createMember, type Member } from './member.ts'

const runBytes = 1024 * 1024

/** Delivers a partition to one member until stopped, as for a group, but from `offset` on and committing nothing. */
type Hold = (at: TopicPartition, offset: number, member: Member) => Promise<{ stop(): Promise<void> }>

/** Who follows a partition without a group: one each, so that whoever needs more of them shares what is read once. */
export const createFollows = (hold: Hold, log: Logger) => {
  const taken = new Set<string>()
  const open = new Set<Following>()

  const start = async (at: TopicPartition, offset: number, onRecords: (records: BusRecord[]) => Promise<void>) => {
    const consumer = { onRecords: ({ records }: { records: BusRecord[] }) => onRecords(records) }
    const member = createMember({ group: 'follow', topics: [at.topic], maxRunBytes: runBytes }, consumer, log)
    return hold(at, offset, member)
  }

  return {
    /** @throws BTZ_REQUEST_INVALID */
    follow: async (
      at: TopicPartition,
      offset: number,
      onRecords: (records: BusRecord[]) => Promise<void>,
    ): Promise<Following> => {
      const key = `${at.topic}/${at.partition}`
      if (taken.has(key)) throw new BartizanError('BTZ_REQUEST_INVALID', `${key} is followed already`)
      taken.add(key)
      const held = await start(at, offset, onRecords).catch((error) => {
        taken.delete(key)
        throw error
      })
      const following: Following = {
        close: async () => {
          open.delete(following)
          await held.stop()
          taken.delete(key)
        },
      }
      open.add(following)
      return following
    },
    closeAll: async (): Promise<void> => {
      await Promise.all([...open].map((one) => one.close()))
    },
  }
}
