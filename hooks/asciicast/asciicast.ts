import { type FileStep, type FileSteps, fileLimits, noRecording } from '#hooks/recorded-file.ts'
import { createDocumentSplitter } from './document.ts'
import { type CastEvents, createCastEvents } from './events.ts'
import { readHeader } from './header.ts'
import { type CastLine, createCastLines } from './lines.ts'

type Parser = { push(chunk: Buffer): FileStep[]; end(): FileStep[] }

const notJson = Symbol('not JSON')
const parsed = (json: string): unknown => {
  try {
    return JSON.parse(json)
  } catch {
    return notJson
  }
}

/** Version 1: an object; its frames are `[delay, text]`. */
const createDocument = (): Parser => {
  const splitter = createDocumentSplitter()
  let events: CastEvents | null = null
  let number = 0
  const takeHead = (json: string): FileStep[] => {
    const { version, opening } = readHeader(parsed(json))
    events = createCastEvents(version)
    return [{ kind: 'opening', opening }]
  }
  const takeElement = (json: string): FileStep[] => {
    const found = parsed(json)
    const event = Array.isArray(found) && found.length === 2 ? [found[0], 'o', found[1]] : found
    return events!.take(event, `frame ${number++}`, json.length)
  }
  return {
    push: (chunk) =>
      splitter.push(chunk).flatMap(({ kind, json }) => (kind === 'head' ? takeHead(json) : takeElement(json))),
    end: () => {
      const isWhole = splitter.end()
      return events!.end(isWhole ? null : 'the document is not closed, or goes on as no JSON does')
    },
  }
}

/** Versions 2 and 3: a header, then a line for each event. */
const createEventLines = (header: unknown): Parser & { opening: FileStep } => {
  const { version, opening } = readHeader(header)
  const events = createCastEvents(version)
  const lines = createCastLines(fileLimits.lineBytes)
  let number = 1
  let cut: string | null = null

  const take = ({ text, bytes, cut: isTooLong, ended }: CastLine): FileStep[] => {
    number++
    if (isTooLong) return events.fault(`line ${number}`, 'is too long', bytes)
    if (text.trim() === '' || text.startsWith('#')) return []
    const event = parsed(text)
    if (event !== notJson) return events.take(event, `line ${number}`, bytes)
    if (ended) return events.fault(`line ${number}`, 'is no JSON', bytes)
    cut = `the file ends within line ${number}`
    return []
  }
  return {
    opening: { kind: 'opening', opening },
    push: (chunk) => lines.push(chunk).flatMap(take),
    end: () => {
      const rest = lines.rest()
      const last = rest === null ? [] : take(rest)
      return [...last, ...events.end(cut)]
    },
  }
}

const hasVersion = (found: unknown): boolean => {
  const version = (found as { version?: unknown } | null)?.version
  return version === 2 || version === 3
}

/** Takes an asciicast file of any version piece by piece; which it is, its first line says. Pure. */
export const createAsciicastParser = (): Parser => {
  let parser: Parser | null = null
  let first: Buffer = Buffer.alloc(0)

  const begin = (): FileStep[] => {
    const newline = first.indexOf(10)
    const header = parsed(first.toString('utf8', 0, newline < 0 ? first.length : newline))
    const rest = newline < 0 ? Buffer.alloc(0) : first.subarray(newline + 1)
    if (!hasVersion(header)) {
      parser = createDocument()
      return parser.push(first)
    }
    const lines = createEventLines(header)
    parser = lines
    return [lines.opening, ...lines.push(rest)]
  }
  return {
    /** `chunk` is kept. @throws BTZ_IMPORT_FAILED where the file is none */
    push: (chunk) => {
      if (parser !== null) return parser.push(chunk)
      first = Buffer.concat([first, chunk])
      return first.includes(10) || first.length > fileLimits.headerBytes ? begin() : []
    },
    /** @throws BTZ_IMPORT_FAILED where the file is none */
    end: () => {
      const steps = parser === null ? begin() : []
      if (parser === null) throw noRecording('asciicast', 'it is empty')
      return [...steps, ...(parser as Parser).end()]
    },
  }
}

export async function* readAsciicast(chunks: AsyncIterable<Buffer>): FileSteps {
  const parser = createAsciicastParser()
  for await (const chunk of chunks) yield parser.push(chunk)
  yield parser.end()
}
