import { type Channel, type Stream, slackMs } from './visits.ts'

/** Event time from a started channel to the recording of it, where nothing else tells which belongs to which. */
export const togetherMs = 60_000

const couldBe = (channel: Channel, { atMs }: Stream): boolean =>
  channel.atMs <= atMs + slackMs && atMs <= channel.atMs + togetherMs

/**
 * The channels that none of the streams belongs to. Each stream belongs to the latest channel started shortly before
 * it; what time alone does not tell (a wrapper that asks for a second factor first) goes in order, the n-th to the n-th.
 * Both by start.
 */
export const unrecordedOf = (channels: readonly Channel[], streams: readonly Stream[]): Channel[] => {
  const free = [...channels]
  const left = streams.filter((stream) => {
    const found = free.findLastIndex((channel) => couldBe(channel, stream))
    if (found >= 0) free.splice(found, 1)
    return found < 0
  })
  for (const { atMs } of left) if (free[0] && free[0].atMs <= atMs + slackMs) free.shift()
  return free
}
