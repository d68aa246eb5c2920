/** What a segment tells of the time before it: where nothing happened, and the recording's own markers. */
const leastPauseUs = 1_000_000
const mostMarks = 1_000
const labelLength = 256

export type Spans = { pauses: [fromUs: number, toUs: number][]; marks: [atUs: number, label: string][] }

/** `lastUs`: of the last event. */
export const createSpans = (saved: Spans & { lastUs: number }) => {
  let { lastUs } = saved
  let { pauses, marks } = { pauses: [...saved.pauses], marks: [...saved.marks] }
  return {
    lastUs: () => lastUs,
    event: (atUs: number, label: string | null): void => {
      if (atUs - lastUs >= leastPauseUs) pauses.push([lastUs, atUs])
      lastUs = Math.max(lastUs, atUs)
      if (label !== null && marks.length < mostMarks) marks.push([atUs, label.slice(0, labelLength)])
    },
    take: (): Spans => {
      const taken = { pauses, marks }
      pauses = []
      marks = []
      return taken
    },
    saved: (): Spans & { lastUs: number } => ({ pauses, marks, lastUs }),
  }
}
