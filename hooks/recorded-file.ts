import type { SessionEnding, SessionOpening } from '#hooks/hook.ts'
import { BartizanError } from '#services/errors.ts'
import type { Frame } from '#services/recordings/format/frame-batch.ts'
import type { Marker } from '#services/schema/marker.ts'

/** What every reader of files made by another recorder gives: an opening, frames and markers in order, an ending. */

/** `null`: the file does not say. */
export type FileOpening = Omit<SessionOpening, 'hook' | 'startedAtMs' | 'user' | 'ttyMode' | 'clock'> & {
  startedAtMs: number | null
  user: string | null
}
export type FileEnding = Omit<SessionEnding, 'runTimeNs'> & { runTimeNs: bigint | null }

export type FileStep =
  | { kind: 'opening'; opening: FileOpening }
  | { kind: 'frame'; frame: Frame }
  | { kind: 'marker'; marker: Marker }
  | { kind: 'ending'; ending: FileEnding }

/** Steps, some at a time. @throws BTZ_IMPORT_FAILED for a file that is none of its format */
export type FileSteps = AsyncGenerator<FileStep[]>

export const fileLimits = {
  lineBytes: 16 * 1024 * 1024,
  frameBytes: 16 * 1024 * 1024,
  headerBytes: 1024 * 1024,
  elapsedNs: 0xffff_ffffn * 1_000_000_000n, // 136 years: sums stay far inside 64 bits
  namedFaults: 100, // of one file; more are counted
} as const

export const noRecording = (format: string, why: string, cause?: unknown): BartizanError =>
  new BartizanError('BTZ_IMPORT_FAILED', `not a recording of format ${format}: ${why}`, { cause })

/** Of a file that says no more than `more`. */
export const openingWith = (more: Partial<FileOpening> & Pick<FileOpening, 'client'>): FileOpening => ({
  startedAtMs: null,
  user: null,
  runAs: null,
  target: null,
  sourceIp: null,
  sourcePort: null,
  connectionId: null,
  tty: 'tty',
  rows: null,
  cols: null,
  argv: [],
  cwd: null,
  env: {},
  originalCommand: null,
  ...more,
})

/** The reason a sound file gives for its end, or that it gives none. */
export const endingOf = (more: Partial<FileEnding>): FileEnding => ({
  reason: 'exit',
  exitCode: null,
  signal: null,
  dumpedCore: false,
  detail: '',
  runTimeNs: null,
  ...more,
})

/** Terminal sizes are u16 in the kernel, and 0 is not one. */
export const sizeOrNull = (value: unknown): number | null =>
  typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= 0xffff ? value : null

export const resizeData = (rows: number, cols: number): Uint8Array =>
  Uint8Array.of(rows >> 8, rows & 0xff, cols >> 8, cols & 0xff)
