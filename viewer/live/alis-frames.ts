import type { KeyframeStep } from '#services/terminal/keyframe.ts'

/**
 * ALiS v1 as asciinema-player 3.17 reads it (docs.asciinema.org/manual/server/streaming): one binary WebSocket message per
 * event. Numbers are unsigned LEB128; times microseconds, that of a reset since the session's start, all others since the
 * event before.
 */
const type = { reset: 0x01, end: 0x04, exit: 0x78, i: 0x69, m: 0x6d, o: 0x6f, r: 0x72 } as const

const number = (value: number): number[] => {
  const bytes: number[] = []
  let rest = value
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80)
  return [...bytes, rest]
}
const text = (value: string): Buffer => {
  const bytes = Buffer.from(value)
  return Buffer.concat([Buffer.from(number(bytes.length)), bytes])
}
const frame = (kind: number, numbers: number[], value?: string): Buffer =>
  Buffer.concat([Buffer.from([kind, ...numbers.flatMap(number)]), ...(value === undefined ? [] : [text(value)])])

export const magicFrame = Buffer.from('ALiS\x01', 'latin1')

/** A screen: `timeUs` = of the session, when it was so. */
export type Reset = { timeUs: number; steps: KeyframeStep[] }

const noTheme = 0
export const textFrame = (code: 'o' | 'i' | 'm', id: number, delayUs: number, value: string): Buffer =>
  frame(type[code], [id, delayUs], value)
export const resizeFrame = (id: number, delayUs: number, cols: number, rows: number): Buffer =>
  frame(type.r, [id, delayUs, cols, rows])
export const exitFrame = (id: number, delayUs: number, status: number): Buffer =>
  frame(type.exit, [id, delayUs, status])
export const endFrame = (delayUs: number): Buffer => frame(type.end, [delayUs])

/** What makes a new terminal show it. */
export const resetFrames = (lastId: number, { timeUs, steps }: Reset): Buffer[] => {
  const [first, ...rest] = steps
  const begin = frame(type.reset, [lastId, timeUs, first!.cols, first!.rows, noTheme], first!.sequence)
  const more = ({ cols, rows, sequence }: KeyframeStep) => [
    resizeFrame(lastId, 0, cols, rows),
    textFrame('o', lastId, 0, sequence),
  ]
  return [begin, ...rest.flatMap(more)]
}
