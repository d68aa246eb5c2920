import type { ScreenText } from '#services/schema/screen.ts'
import type { Session } from '#services/schema/session.ts'
import { createSegmenter } from '#services/terminal/segmenter.ts'
import type { TimedFrame } from '#services/terminal/terminal-events.ts'

const framesAtOnce = 64
const restUs = 2_000_000 // after the last output, so that what stands on the screen at the end is told, too

const twoDigits = (value: number): string => String(value).padStart(2, '0')

/** h:mm:ss.mmm */
export const sessionTime = (ms: number): string => {
  const [hours, minutes, seconds] = [ms / 3_600_000, (ms / 60_000) % 60, (ms / 1000) % 60].map(Math.floor)
  return `${hours}:${twoDigits(minutes!)}:${twoDigits(seconds!)}.${String(ms % 1000).padStart(3, '0')}`
}

const linesOf = (session: Session, texts: readonly ScreenText[]): string =>
  texts
    .flatMap(({ atMs, text }) => {
      const at = `${new Date(Date.parse(session.startedAt) + atMs).toISOString()}  ${sessionTime(atMs)}  `
      return text.split('\n').map((line) => `${at}${line}\n`)
    })
    .join('')

/**
 * What was to be seen, line by line as the eye read it: time, time in the session, text. Of full-screen programs what
 * changed, about once a second; the same texts as a search on the screen finds.
 */
export async function* transcript(session: Session, frames: AsyncIterable<TimedFrame>): AsyncGenerator<string> {
  const size = { cols: session.cols || 80, rows: session.rows || 24 }
  const segmenter = createSegmenter({ size, state: null })
  try {
    let [count, lastUs] = [0, 0]
    for await (const frame of frames) {
      segmenter.take(frame, { batchSeq: 0, frame: count++ })
      lastUs = Number(frame.atNs / 1000n)
      if (count % framesAtOnce === 0) yield linesOf(session, segmenter.drain().texts)
    }
    segmenter.settle(lastUs + restUs)
    yield linesOf(session, segmenter.drain().texts)
  } finally {
    segmenter.dispose()
  }
}
