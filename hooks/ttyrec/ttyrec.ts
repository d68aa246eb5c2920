import { createByteQueue } from '#hooks/byte-queue.ts'
import {
  endingOf,
  type FileOpening,
  type FileStep,
  type FileSteps,
  fileLimits,
  noRecording,
  openingWith,
} from '#hooks/recorded-file.ts'
import { Stream } from '#services/recordings/format/frame-batch.ts'

/** ttyrec(1): `sec usec len`, each u32 little-endian, and len bytes of output, again and again. Nothing else. */

const headBytes = 12
const format = 'ttyrec'
/** Where a recorder began to count at 0, its times say nothing about the day. */
const earliestSeconds = Date.UTC(2000, 0, 1) / 1000

type Head = { atUs: bigint; seconds: number; length: number }

const readHead = (bytes: Buffer): Head | string => {
  const [seconds, micros, length] = [bytes.readUInt32LE(0), bytes.readUInt32LE(4), bytes.readUInt32LE(8)]
  if (micros >= 1_000_000) return `a time of ${micros} microseconds`
  if (length > fileLimits.frameBytes) return `a frame of ${length} bytes`
  return { atUs: BigInt(seconds) * 1_000_000n + BigInt(micros), seconds, length }
}

const openingAt = ({ atUs, seconds }: Head): FileOpening =>
  openingWith({ startedAtMs: seconds >= earliestSeconds ? Number(atUs / 1000n) : null, client: format })

/** Takes a ttyrec file piece by piece. Pure. */
export const createTtyrecParser = () => {
  const queue = createByteQueue()
  let head: Head | null = null
  let lastUs: bigint | null = null
  let elapsedNs = 0n
  let offset = 0 // of the frame that is being read
  let fault: string | null = null
  let clockJumps = 0

  const delayOf = (atUs: bigint, steps: FileStep[]): bigint => {
    const delayUs = lastUs === null ? 0n : atUs - lastUs
    lastUs = atUs
    if (delayUs >= 0n) return delayUs * 1000n
    clockJumps++
    const detail = `the clock of the recorder went back by ${-delayUs} microseconds`
    const marker = { type: 'gap', reason: 'clock', detail, lostBytes: 0 } as const
    if (clockJumps <= fileLimits.namedFaults) steps.push({ kind: 'marker', marker })
    return 0n
  }
  const take = (at: Head, data: Buffer, steps: FileStep[]): void => {
    if (lastUs === null) steps.push({ kind: 'opening', opening: openingAt(at) })
    const delayNs = delayOf(at.atUs, steps)
    elapsedNs += delayNs
    if (elapsedNs > fileLimits.elapsedNs) fault = `more than a century at byte ${offset}`
    else steps.push({ kind: 'frame', frame: { delayNs, stream: Stream.TTYOUT, data } })
    offset += headBytes + data.length
  }
  const nextHead = (): Head | null => {
    const bytes = queue.take(headBytes)
    if (bytes === null) return null
    const read = readHead(bytes)
    if (typeof read !== 'string') return read
    fault = `${read} at byte ${offset}`
    if (lastUs === null) throw noRecording(format, fault)
    return null
  }

  return {
    /** `chunk` is kept. @throws BTZ_IMPORT_FAILED where the file is none */
    push: (chunk: Buffer): FileStep[] => {
      const steps: FileStep[] = []
      if (fault === null) queue.push(chunk)
      while (fault === null) {
        head ??= nextHead()
        const data = head && queue.take(head.length)
        if (!head || !data) break
        take(head, data, steps)
        head = null
      }
      return steps
    },
    /** @throws BTZ_IMPORT_FAILED where there was no frame */
    end: (): FileStep[] => {
      if (lastUs === null) throw noRecording(format, 'it holds no whole frame')
      const isCut = head !== null || queue.length > 0
      const broken = fault ?? (isCut ? `it ends within the frame at byte ${offset}` : null)
      const detail = [
        ...(broken === null ? [] : [`${broken}; what is before it was imported`]),
        ...(clockJumps > 0 ? [`the clock of the recorder went back, times: ${clockJumps}`] : []),
        'ttyrec keeps nothing of what was typed, no sizes of the terminal, and not how it ended',
      ].join('; ')
      return [{ kind: 'ending', ending: endingOf({ reason: broken === null ? 'exit' : 'truncated', detail }) }]
    },
  }
}

export async function* readTtyrec(chunks: AsyncIterable<Buffer>): FileSteps {
  const parser = createTtyrecParser()
  for await (const chunk of chunks) yield parser.push(chunk)
  yield parser.end()
}
