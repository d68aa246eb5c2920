import { matchBehind, matchEcho, showsWhole } from './echo-match.ts'
import type { Piece } from './held-frame.ts'
import { keepsUnanswered, type TypedLine, verdictUnanswered } from './typed-line.ts'

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

/** The line that is being typed, and none before it waits: what comes answers its keys one by one. */
const echoesNow = (line: TypedLine, pieces: readonly Piece[], lines: readonly string[]): boolean => {
  const length = matchEcho(unseen(pieces), lines)
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
 * A line that was ended, or one behind it: which of them an output belongs to is open, and a secret must not be given
 * away by the echo of what was typed next. So it counts as shown when all of it is.
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

/** Echoes come in the order of typing: what was typed before and is not echoed by now never will be. */
const settle = (lines: readonly (readonly [TypedLine, Piece[]])[]): void => {
  for (const [line, pieces] of lines)
    for (const piece of pieces) piece.verdict ??= verdictUnanswered(line, 'unanswered')
}

/**
 * Keeps the waiting keys whose echo is there.
 * @param lines of this output @param shown since keys wait, this output included
 */
export const takeEchoes = (waiting: readonly Piece[], lines: readonly string[], shown: readonly string[]): boolean => {
  const typed = [...Map.groupBy(waiting, (piece) => piece.line)].slice(0, maxTries)
  let found = false
  for (const [index, [line, pieces]] of typed.entries()) {
    const isAlone = index === 0 && line.endedMs === null
    const whole = !isAlone && echoesWhole(line, pieces, shown)
    if (!whole && !(isAlone && echoesNow(line, pieces, lines)) && !echoesPaste(line, pieces, shown)) continue
    const keys = pieces.reduce((sum, piece) => sum + piece.keys, 0)
    line.unanswered = waitingKeys(pieces)
    if (whole && keys >= clearEcho) settle(typed.slice(0, index))
    found = true
  }
  return found
}
