import {
  type FileEnding,
  type FileStep,
  type FileSteps,
  fileLimits,
  noRecording,
  resizeData,
} from '#hooks/recorded-file.ts'
import { Stream } from '#services/recordings/format/frame-batch.ts'
import { type ByteReader, createByteReader } from './byte-reader.ts'
import { format, type Logged, readLogJson, readLogText } from './log-file.ts'
import { byteStreams, createTimingReader, maxTimingChars, type StreamFile, type Timing } from './timing.ts'

/** The files of an I/O log directory of sudo (sudoers(5), "I/O LOG FILES"). Null: there is none of this name. */
export type IologFiles = (name: 'log.json' | 'log' | 'timing' | StreamFile) => AsyncIterable<Buffer> | null

const pieceBytes = 256 * 1024
const stepsAtOnce = 256

const readSmall = async (chunks: AsyncIterable<Buffer>, name: string): Promise<string> => {
  const pieces: Buffer[] = []
  let bytes = 0
  for await (const chunk of chunks) {
    bytes += chunk.length
    if (bytes > fileLimits.headerBytes)
      throw noRecording(format, `${name} has more than ${fileLimits.headerBytes} bytes`)
    pieces.push(chunk)
  }
  return Buffer.concat(pieces).toString('utf8')
}

const readLogged = async (files: IologFiles): Promise<Logged> => {
  const json = files('log.json')
  if (json !== null) return readLogJson(await readSmall(json, 'log.json'))
  const log = files('log')
  if (log === null) throw noRecording(format, 'there is neither log.json nor log')
  return readLogText(await readSmall(log, 'log'))
}

type Place = { steps: FileStep[]; elapsedNs: bigint; fault: string | null }

/** Bytes of one line of `timing`: in pieces where it names many, its delay on the first. */
async function* takeBytes(
  { delayNs, stream, file, count }: Extract<Timing, { do: 'bytes' }>,
  reader: ByteReader | undefined,
  place: Place,
): AsyncGenerator<void> {
  let left = count
  do {
    const data = (await reader?.read(Math.min(left, pieceBytes))) ?? Buffer.alloc(0)
    const isFirst = left === count
    place.steps.push({ kind: 'frame', frame: { delayNs: isFirst ? delayNs : 0n, stream, data } })
    left -= data.length
    if (data.length === 0 && left > 0) place.fault = `${file} ends ${left} bytes before timing says`
    else if (left > 0) yield
  } while (left > 0 && place.fault === null)
}

const stepOf = (timing: Exclude<Timing, { do: 'bytes' }>): FileStep => {
  const { delayNs } = timing
  return timing.do === 'resize'
    ? { kind: 'frame', frame: { delayNs, stream: Stream.RESIZE, data: resizeData(timing.rows, timing.cols) } }
    : { kind: 'frame', frame: { delayNs, stream: Stream.SUSPEND, data: Buffer.from(timing.signal, 'latin1') } }
}

/** Bytes that stand in no line of `timing` are kept all the same, at the end. */
async function* takeRest(readers: ReadonlyMap<StreamFile, ByteReader>, place: Place): FileSteps {
  for (const { file, stream } of byteStreams) {
    const reader = readers.get(file)
    let bytes = 0
    for (let data = await reader?.read(pieceBytes); data && data.length > 0; data = await reader?.read(pieceBytes)) {
      bytes += data.length
      yield [{ kind: 'frame', frame: { delayNs: 0n, stream, data } }]
    }
    if (bytes > 0) place.fault ??= `timing tells nothing of the last ${bytes} bytes of ${file}`
  }
}

const ended = ({ ending, isEndKnown }: Logged, { fault, elapsedNs }: Place): FileEnding => {
  const unknown = isEndKnown ? [] : ['the log does not tell how it ended']
  const detail = [...(fault === null ? [] : [fault]), ...unknown].join('; ')
  const runTimeNs = ending.runTimeNs !== null && ending.runTimeNs >= elapsedNs ? ending.runTimeNs : elapsedNs
  return { ...ending, reason: fault === null ? 'exit' : 'truncated', detail, runTimeNs }
}

async function* replay(timing: ByteReader, readers: ReadonlyMap<StreamFile, ByteReader>, place: Place): FileSteps {
  const readTiming = createTimingReader()
  const flush = (): FileStep[] => place.steps.splice(0)
  for (let number = 1; place.fault === null; number++) {
    const line = await timing.line(maxTimingChars)
    if (line === null) break
    const found = line.whole ? readTiming(line.text) : null
    if (found === null || place.elapsedNs + found.delayNs > fileLimits.elapsedNs) {
      place.fault = `line ${number} of timing cannot be read`
      break
    }
    place.elapsedNs += found.delayNs
    if (found.do !== 'bytes') place.steps.push(stepOf(found))
    else for await (const _ of takeBytes(found, readers.get(found.file), place)) yield flush()
    if (place.steps.length >= stepsAtOnce) yield flush()
  }
  yield flush()
}

/** @throws BTZ_IMPORT_FAILED where it is no I/O log */
export async function* readSudoIolog(files: IologFiles): FileSteps {
  const logged = await readLogged(files)
  const timing = files('timing')
  if (timing === null) throw noRecording(format, 'there is no timing')
  const readers = new Map<StreamFile, ByteReader>()
  for (const { file } of byteStreams) {
    const chunks = files(file)
    if (chunks !== null) readers.set(file, createByteReader(chunks))
  }
  const timingReader = createByteReader(timing)
  try {
    yield [{ kind: 'opening', opening: logged.opening }]
    const place: Place = { steps: [], elapsedNs: 0n, fault: null }
    yield* replay(timingReader, readers, place)
    yield* takeRest(readers, place)
    yield [{ kind: 'ending', ending: ended(logged, place) }]
  } finally {
    for (const reader of [timingReader, ...readers.values()]) await reader.close()
  }
}
