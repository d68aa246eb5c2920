/** A place of a stream: the number of the last event before it, and when that was heard on our clock. */
export type Mark = { elapsedNs: bigint; lastId: bigint; atMs: number }

const apartNs = 20_000_000n

/**
 * Which event a durable length of the recording goes to. Events of the same 20 ms share a place, so that a flood of
 * them takes little memory; the place is then that of the last.
 */
export const createDurableMarks = (durable: Mark) => {
  let marks: (Mark & { fromNs: bigint })[] = []
  return {
    put: (mark: Mark): void => {
      const last = marks.at(-1)
      if (last && mark.elapsedNs - last.fromNs < apartNs) Object.assign(last, mark)
      else marks.push({ ...mark, fromNs: mark.elapsedNs })
    },
    /** The last event of which all is durable. */
    durableTo: (elapsedNs: bigint): Mark => {
      const reached = marks.filter((mark) => mark.elapsedNs <= elapsedNs)
      if (reached.length > 0) {
        marks = marks.slice(reached.length)
        const { fromNs: _, ...mark } = reached.at(-1)!
        durable = mark
      }
      return durable
    },
  }
}
