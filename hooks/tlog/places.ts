import type { Place, PlaceKeeper } from '#hooks/openssh/kept-place.ts'
import type { Position } from '#hooks/openssh/line-source.ts'
import type { EndedRecordings } from './ended-recordings.ts'
import type { Recording } from './recording.ts'
import type { TlogState } from './state.ts'

const maxRecordings = 1024

/**
 * Where to go on after a restart: a place in the source, and how far each recording was there. A place counts when all
 * that was handed over before it is durable; until then the one before it does, with the sessions opened since.
 */
export const createPlaces = (
  keeper: PlaceKeeper<TlogState>,
  before: Place<TlogState> | null,
  open: ReadonlyMap<string, Recording>,
  ended: EndedRecordings,
) => {
  let durable: Place<TlogState> = before ?? { position: null, parser: { open: [], ended: [] } }
  let candidates: Place<TlogState>[] = [] // the one that is waited for, and the latest

  const isDurable = ({ parser }: Place<TlogState>): boolean =>
    parser.open.every(({ rec, logId, elapsedNs }) => {
      const recording = open.get(rec)
      return recording?.session.logId !== logId || recording.durableNs >= BigInt(elapsedNs)
    })
  const advance = (): void => {
    for (let first = candidates[0]; first !== undefined && isDurable(first); first = candidates[0]) {
      durable = first
      keeper.keep(first)
      candidates = candidates.slice(1)
    }
  }

  return {
    advance,
    /** Everything before this position was handed over. */
    reached: (position: Position): void => {
      const recordings = [...open.values()]
      if (recordings.some(({ waits }) => waits)) return
      // What came by a socket does not come again: a session cannot be gone on with where it was durable only in part.
      const [resumable, over] = position === null ? [[], recordings] : [recordings, []]
      const parser = {
        open: resumable.map((each) => each.snapshot()),
        ended: [...ended.snapshot(), ...over.map(({ rec, nextId }) => ({ rec, nextId }))].slice(-maxRecordings),
      }
      candidates = [...candidates.slice(0, 1), { position, parser }]
      advance()
    },
    /** Durable when resolved: whoever reads the source again finds the session of this recording. */
    opened: async (recording: Recording): Promise<void> => {
      const added = recording.snapshot()
      const withIt = (place: Place<TlogState>): Place<TlogState> => {
        const known = [...place.parser.open, added].filter(({ rec }) => ended.nextId(rec) === null)
        return { ...place, parser: { open: known.slice(-maxRecordings), ended: ended.snapshot() } }
      }
      durable = withIt(durable)
      candidates = candidates.map(withIt)
      keeper.keep(durable)
      await keeper.flush()
    },
  }
}
