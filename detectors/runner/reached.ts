import type { Topic } from '#services/bus/bus.ts'

export const sourceOf = (topic: Topic, partition: number): string => `${topic}/${partition}`

export type Reached = {
  take(reached: Readonly<Record<string, number>>): void
  /** Up to when everything is here that comes straight from the bastions; 0: not known of all of them. */
  fromBastions(): number
  /** Likewise, with what networks send on to users. */
  fromAll(): number
}

const sourcesOf = (topic: Topic, partitions: number): string[] =>
  Array.from({ length: partitions }, (_, partition) => sourceOf(topic, partition))

/** How far each partition that events come from has been read, as told by the ticks of one partition. */
export const createReached = (partitions: (topic: Topic) => number): Reached => {
  const bastions = sourcesOf('session-events', partitions('session-events'))
  const all = [...bastions, ...sourcesOf('entity-events', partitions('entity-events'))]
  const known = new Map(all.map((source) => [source, 0]))
  const least = (sources: string[]): number =>
    sources.reduce((ms, source) => Math.min(ms, known.get(source)!), Infinity)
  return {
    take: (reached) => {
      for (const [source, ms] of Object.entries(reached)) {
        const before = known.get(source)
        // One that lost its partition may still tell of it.
        if (before !== undefined && ms > before) known.set(source, ms)
      }
    },
    fromBastions: () => least(bastions),
    fromAll: () => least(all),
  }
}
