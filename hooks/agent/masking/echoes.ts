import { matchBehind, matchEcho, matchSoFar, showsWhole } from './echo-match.ts'
import type { Piece } from './held-frame.ts'
import { isTrusted, keepsUnanswered, type TypedLine } from './typed-line.ts'

type Output = { lines: readonly string[]; shown: readonly string[] } // this one; all since keys wait

const clearEcho = 4 // keys: so many of a part seen, the rest of it is no secret
const maxTries = 256

const latin1 = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')

export const waitingKeys = (pieces: readonly Piece[]): number =>
  pieces.reduce((sum, { verdict, keys }) => sum + (verdict === null ? keys : 0), 0)

const unseen = (pieces: readonly Piece[]): string =>
  pieces.map((piece) => latin1(piece.bytes.subarray(piece.echoed))).join('')

const accept = (line: TypedLine, pieces: readonly Piece[], length: number): void => {
  let left = length
  for (const piece of pieces) {
    const seen = Math.min(left, piece.bytes.length - piece.echoed)
    if (seen === 0) break
    piece.echoed += seen
    left -= seen
    line.answered += seen
    if (piece.echoed === piece.bytes.length || piece.echoed >= clearEcho) piece.verdict = 'keep'
  }
}

/** Keys a program took without showing them, while it shows those behind. */
const keepSkipped = (line: TypedLine, skipped: readonly Piece[]): void => {
  if (keepsUnanswered(line, waitingKeys(skipped))) for (const piece of skipped) piece.verdict = 'keep'
}

/** Echo key by key, as far as it has come. */
const echoesNow = (line: TypedLine, pieces: readonly Piece[], { lines, shown }: Output): boolean => {
  const text = unseen(pieces)
  const length = matchSoFar(text, shown.at(-1) ?? '') || matchEcho(text, lines)
  if (length > 0) {
    accept(line, pieces, length)
    return true
  }
  for (let skipped = 1; skipped < Math.min(pieces.length, maxTries) && lines.length > 0; skipped++) {
    const behind = pieces.slice(skipped)
    const seen = matchBehind(unseen(behind), lines[0]!)
    if (seen === 0) continue
    accept(line, behind, seen)
    keepSkipped(line, pieces.slice(0, skipped))
    return true
  }
  return false
}

/**
 * Which of several waiting lines an output belongs to is open, and a secret must not be given away by the echo of what
 * was typed behind it. So a line counts as shown when all of it is.
 */
const echoesWhole = (line: TypedLine, pieces: readonly Piece[], shown: readonly string[]): boolean => {
  const text = unseen(pieces)
  if (!showsWhole(text, shown)) return false
  accept(line, pieces, text.length)
  return true
}

/** A bracketed paste is echoed where it fits on the screen: one part that is seen stands for the whole. */
const echoesPaste = (line: TypedLine, pieces: readonly Piece[], shown: readonly string[]): boolean => {
  const isSeen = ({ bytes }: Piece) => bytes.length >= clearEcho && showsWhole(latin1(bytes), shown)
  if (!line.pasted || !pieces.slice(-maxTries).some(isSeen)) return false
  accept(line, pieces, Number.POSITIVE_INFINITY)
  return true
}

/** Keeps the waiting keys whose echo is there. */
export const takeEchoes = (waiting: readonly Piece[], output: Output): boolean => {
  const typed = [...Map.groupBy(waiting, (piece) => piece.line)].slice(0, maxTries)
  let found = false
  for (const [index, [line, pieces]] of typed.entries()) {
    // What comes belongs to the oldest line: if it is being typed, or known to be echoed.
    const keyByKey = index === 0 && (line.endedMs === null || isTrusted(line))
    if (
      !echoesPaste(line, pieces, output.shown) &&
      !(keyByKey ? echoesNow(line, pieces, output) : echoesWhole(line, pieces, output.shown))
    )
      continue
    line.unanswered = waitingKeys(pieces)
    found = true
  }
  return found
}
