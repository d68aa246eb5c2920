/** What one destination got. Of the same number and id twice, the second is `doubled`; of the same number with another id, `forked`. */
export const createTally = () => {
  const idOf = new Map<number, string>()
  let [doubled, forked, maxLagMs] = [0, 0, 0]
  return {
    take: (seq: number, id: string, lagMs: number): void => {
      const before = idOf.get(seq)
      if (before === undefined) idOf.set(seq, id)
      else if (before === id) doubled++
      else forked++
      maxLagMs = Math.max(maxLagMs, lagMs)
    },
    arrived: () => idOf.size,
    figures: (produced: number) => {
      const last = Math.max(0, ...idOf.keys())
      const distinct = new Set(idOf.values()).size
      return {
        arrived: distinct,
        lost: produced - distinct,
        doubled,
        forked,
        'gaps in the sequence': last - idOf.size,
        'max lag, s': Number((maxLagMs / 1_000).toFixed(1)),
      }
    },
  }
}
export type Tally = ReturnType<typeof createTally>
