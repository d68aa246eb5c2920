import { endingOf, type FileStep, fileLimits, resizeData, sizeOrNull } from '#hooks/recorded-file.ts'
import { createTextLoss } from '#hooks/text-loss.ts'
import { type Frame, Stream } from '#services/recordings/format/frame-batch.ts'
import type { CastVersion } from './header.ts'

/** Events of all versions, as `[seconds, code, data]`, in the order of the file. */

const maxLabelChars = 4096
const replacement = '\ufffd'
const rounding: Record<CastVersion, string> = { 1: '1 us', 2: '1 us', 3: '1 ms' }

const read = (event: unknown): { seconds: number; code: string; data: string } | string => {
  if (!Array.isArray(event) || event.length < 3) return 'is no event'
  const [seconds, code, data] = event as unknown[]
  if (typeof seconds !== 'number' || typeof code !== 'string' || typeof data !== 'string') return 'is no event'
  if (!Number.isFinite(seconds) || seconds < 0) return 'has a time that is none'
  return { seconds, code, data }
}

const sizeOf = (text: string): Uint8Array | null => {
  const [, cols, rows] = /^(\d{1,5})x(\d{1,5})$/.exec(text) ?? []
  const [width, height] = [sizeOrNull(Number(cols)), sizeOrNull(Number(rows))]
  return width === null || height === null ? null : resizeData(height, width)
}

const codeOf = (text: string): number | null => (/^-?\d{1,9}$/.test(text) ? Number(text) : null)

/** Pure; all that cannot be read is counted, and the first hundred of it has its place marked. */
export const createCastEvents = (version: CastVersion) => {
  let elapsedUs = 0
  let dueUs = 0 // time of an event that gave no frame belongs to the next frame
  let faults = 0
  let others = 0
  const textLoss = createTextLoss()
  let exitCode: number | null = null

  const fault = (where: string, why: string, bytes: number): FileStep[] => {
    faults++
    const marker = { type: 'gap', reason: 'source', detail: `${where} ${why}`, lostBytes: bytes } as const
    return faults <= fileLimits.namedFaults ? [{ kind: 'marker', marker }] : []
  }
  const delayNs = (): bigint => {
    const delayUs = dueUs
    dueUs = 0
    return BigInt(delayUs) * 1000n
  }
  const frame = (stream: Stream, data: Uint8Array): FileStep[] => {
    const one: Frame = { delayNs: delayNs(), stream, data }
    return [{ kind: 'frame', frame: one }]
  }
  const text = (stream: Stream, data: string): FileStep[] => {
    if (!data.isWellFormed() || data.includes(replacement)) {
      textLoss.add(data.toWellFormed().split(replacement).length - 1, Math.floor(elapsedUs / 1000))
    }
    return frame(stream, Buffer.from(data.toWellFormed()))
  }
  /** The clock goes on to the event's time; never back. False: to no time that a clock gives. */
  const goOn = (seconds: number): boolean => {
    const us = Math.round(seconds * 1e6)
    const toUs = version === 2 ? Math.max(us, elapsedUs) : elapsedUs + us
    if (toUs * 1000 > Number(fileLimits.elapsedNs)) return false
    dueUs += toUs - elapsedUs
    elapsedUs = toUs
    return true
  }

  return {
    /** `where`: the place in the file, for a person. */
    take: (event: unknown, where: string, bytes: number): FileStep[] => {
      const found = read(event)
      if (typeof found === 'string') return fault(where, found, bytes)
      const { seconds, code, data } = found
      if (!goOn(seconds)) return fault(where, 'has a time that is none', bytes)
      if (code === 'o') return text(Stream.TTYOUT, data)
      if (code === 'i') return text(Stream.TTYIN, data)
      if (code === 'x') {
        exitCode = codeOf(data)
        return []
      }
      if (code === 'm')
        return [{ kind: 'marker', marker: { type: 'alert', reason: `marker: ${data.slice(0, maxLabelChars)}` } }]
      if (code !== 'r') {
        others++
        return []
      }
      const size = sizeOf(data)
      return size === null ? fault(where, 'is a resize to no size', bytes) : frame(Stream.RESIZE, size)
    },
    fault,
    /** `cut`: why the file ends too early; null: it does not. */
    end: (cut: string | null): FileStep[] => {
      const detail = [
        ...(cut === null ? [] : [cut]),
        ...(faults === 0 ? [] : [`places that could not be read: ${faults}`]),
        ...(others === 0 ? [] : [`events of unknown kinds, left out: ${others}`]),
        `asciicast v${version} keeps text and times of ${rounding[version]}: ${textLoss.text()}`,
      ].join('; ')
      const reason = cut === null ? 'exit' : 'truncated'
      const runTimeNs = BigInt(elapsedUs) * 1000n
      return [{ kind: 'ending', ending: endingOf({ reason, exitCode, detail, runTimeNs }) }]
    },
  }
}
export type CastEvents = ReturnType<typeof createCastEvents>
