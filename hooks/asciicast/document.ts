import { fileLimits, noRecording } from '#hooks/recorded-file.ts'

/** What came out of the document: the object without its frames once they begin, then each of them as JSON. */
export type DocumentPart = { kind: 'head'; json: string } | { kind: 'element'; json: string }

const [quote, backslash, openArray, closeArray, openObject, closeObject] = [0x22, 0x5c, 0x5b, 0x5d, 0x7b, 0x7d]
const betweenFrames = new Set([openArray, closeArray, 0x2c])
const maxDepth = 64
const keyBytes = 64

/**
 * Version 1 is one JSON object with all frames in its array `stdout`. This cuts them out one by one, so that memory does
 * not grow with the file. Pure; whoever parses the parts finds what is no JSON.
 */
export const createDocumentSplitter = () => {
  let place: 'head' | 'frames' | 'element' | 'tail' = 'head'
  let depth = 0
  let inString = false
  let escaped = false
  let kept: Buffer[] = []
  let keptBytes = 0
  let tail = ''

  const keep = (bytes: Buffer): void => {
    keptBytes += bytes.length
    const limit = place === 'element' ? fileLimits.lineBytes : fileLimits.headerBytes
    if (keptBytes > limit) throw noRecording('asciicast', `a part of more than ${limit} bytes`)
    if (bytes.length > 0) kept.push(bytes)
  }
  const taken = (): string => {
    const json = Buffer.concat(kept).toString('utf8')
    kept = []
    keptBytes = 0
    return json
  }
  const isStdout = (chunk: Buffer, start: number, at: number): boolean => {
    const before = chunk.subarray(Math.max(start, at - keyBytes), at)
    const bytes = before.length < keyBytes ? Buffer.concat([...kept, before]).subarray(-keyBytes) : before
    return /"stdout"\s*:\s*$/.test(bytes.toString('latin1'))
  }

  return {
    /** `chunk` is kept. @throws BTZ_IMPORT_FAILED */
    push: (chunk: Buffer): DocumentPart[] => {
      const parts: DocumentPart[] = []
      let start = 0
      for (let at = 0; at < chunk.length; at++) {
        const byte = chunk[at]!
        if (inString) {
          if (escaped) escaped = false
          else if (byte === backslash) escaped = true
          else if (byte === quote) inString = false
          continue
        }
        if (place === 'frames' && depth === 2 && byte > 0x20 && !betweenFrames.has(byte))
          throw noRecording('asciicast', 'a frame that is no array')
        if (byte === quote) inString = true
        else if (byte === openArray || byte === openObject) {
          if (place === 'head' && depth === 1 && byte === openArray && isStdout(chunk, start, at)) {
            keep(chunk.subarray(start, at))
            parts.push({ kind: 'head', json: `${taken()}[]}` })
            place = 'frames'
          } else if (place === 'frames' && depth === 2) {
            place = 'element'
            start = at
          }
          depth++
          if (depth > maxDepth) throw noRecording('asciicast', `nested deeper than ${maxDepth}`)
        } else if (byte === closeArray || byte === closeObject) {
          depth--
          if (place === 'element' && depth === 2) {
            keep(chunk.subarray(start, at + 1))
            parts.push({ kind: 'element', json: taken() })
            place = 'frames'
          } else if (place === 'frames' && depth === 1) {
            place = 'tail'
            start = at + 1
          }
          if (depth < 0) throw noRecording('asciicast', 'it closes what it did not open')
        }
      }
      if (place !== 'frames') keep(chunk.subarray(start))
      return parts
    },
    /** Whether the document was closed. @throws BTZ_IMPORT_FAILED where it holds no frames, or cannot */
    end: (): boolean => {
      if (place === 'head') throw noRecording('asciicast', 'it holds no frames')
      tail = place === 'tail' ? taken() : ''
      return depth === 0 && !inString && /^\s*(?:,|\}\s*$)/.test(tail)
    },
  }
}
