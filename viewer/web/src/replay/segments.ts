import { refusalOf } from '../api.ts'

/** Seconds; `o` output, `i` input, `r` a new size ("COLSxROWS"), `m` a marker. */
export type RecordedEvent = [seconds: number, code: string, data: string]
export type Segment = { snapshot: { cols: number; rows: number; init: string }; events: RecordedEvent[] }
type Index = { duration: number; segments: { start: number; url: string }[] }

export type Segments = {
  durationMs: number
  /** Which segment shows this moment. */
  at(ms: number): number
  startMs(number: number): number
  count: number
  /** Kept while it is the last one asked for or beside it. @throws Refusal */
  load(number: number): Promise<Segment>
}

const ask = async (url: string, headers: Record<string, string>): Promise<Response> => {
  const response = await fetch(url, { headers })
  if (response.ok) return response
  throw await refusalOf(response)
}

/** The last start that is not after `ms`. */
const search = (starts: readonly number[], ms: number): number => {
  let [low, high] = [0, starts.length]
  while (low + 1 < high) {
    const middle = (low + high) >> 1
    if (starts[middle]! <= ms) low = middle
    else high = middle
  }
  return low
}

/** The segmented form of a recording, as asciinema-player 3.17.0 reads it; three segments are in memory at most. */
export const openSegments = async (indexUrl: string, headers: Record<string, string>): Promise<Segments> => {
  const response = await ask(indexUrl, headers)
  const index = (await response.json()) as Index
  const starts = index.segments.map(({ start }) => start * 1000)
  const kept = new Map<number, Promise<Segment>>()
  const load = (number: number): Promise<Segment> => {
    for (const other of kept.keys()) if (Math.abs(other - number) > 1) kept.delete(other)
    let segment = kept.get(number)
    if (!segment) {
      const { href } = new URL(index.segments[number]!.url, response.url)
      segment = ask(href, headers).then((answer) => answer.json() as Promise<Segment>)
      // What failed is asked for again, when it is needed again.
      segment.catch(() => kept.delete(number))
      kept.set(number, segment)
    }
    return segment
  }
  return {
    durationMs: index.duration * 1000,
    at: (ms) => search(starts, ms),
    startMs: (number) => starts[number]!,
    count: starts.length,
    load,
  }
}
