import { matchEcho } from './echo-match.ts'
import type { Piece } from './held-frame.ts'
import type { OutputAnswer } from './output-answer.ts'
import { isStarred, reactionAnswers, type TypedLine, verdictUnanswered } from './typed-line.ts'

const echoTries = 256
const clearEcho = 4 // keys: so many of a part seen, the rest of it is no secret

const latin1 = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')

const waitingKeys = (pieces: readonly Piece[]): number =>
  pieces.reduce((sum, { verdict, keys }) => sum + (verdict === null ? keys : 0), 0)

const acceptEcho = (line: TypedLine, pieces: readonly Piece[], length: number): void => {
  let left = length
  for (const piece of pieces) {
    const seen = Math.min(left, piece.bytes.length - piece.echoed)
    if (seen === 0) break
    piece.echoed += seen
    left -= seen
    line.answered += seen
    if (piece.echoed === piece.bytes.length || piece.echoed >= clearEcho) piece.verdict = 'keep'
  }
  line.reactions = 0
  line.unanswered = waitingKeys(pieces)
}

/** A bracketed paste is echoed where it fits on the screen: one part that is seen stands for the whole. */
const acceptPaste = (line: TypedLine, pieces: readonly Piece[], lines: readonly string[]): boolean => {
  const seen = pieces
    .slice(-echoTries)
    .some(({ bytes }) => bytes.length >= clearEcho && matchEcho(latin1(bytes), lines, { ended: true }))
  if (seen) acceptEcho(line, pieces, Number.POSITIVE_INFINITY)
  return seen
}

/** Echoes come in the order of typing: what was typed before and is not echoed by now never will be. */
const settleEarlier = (lines: readonly (readonly [TypedLine, Piece[]])[]): void => {
  for (const [line, pieces] of lines)
    for (const piece of pieces) piece.verdict ??= verdictUnanswered(line, 'unanswered')
}

const takeEchoes = (waiting: readonly Piece[], output: OutputAnswer): boolean => {
  const lines = [...Map.groupBy(waiting, (piece) => piece.line)].slice(0, echoTries)
  let fromLine = 0
  let found = false
  for (const [index, [line, pieces]] of lines.entries()) {
    const text = pieces.map((piece) => latin1(piece.bytes.subarray(piece.echoed))).join('')
    const match = matchEcho(text, output.lines, { fromLine, ended: line.endedMs !== null })
    if (match) acceptEcho(line, pieces, match.length)
    else if (!line.pasted || !acceptPaste(line, pieces, output.lines)) continue
    settleEarlier(lines.slice(0, index))
    fromLine = (match?.line ?? fromLine) + 1
    found = true
  }
  return found
}

const takeReaction = (pieces: readonly Piece[], line: TypedLine, output: OutputAnswer): void => {
  const keys = waitingKeys(pieces)
  if (!reactionAnswers(line, output, keys)) return
  for (const piece of pieces) piece.verdict = 'keep'
  if (output.moves) line.answered += keys
  line.unanswered = 0
  line.reactions = 0
}

const takeStars = (waiting: readonly Piece[], line: TypedLine): void => {
  line.starred = true
  for (const piece of waiting) if (piece.line === line) piece.verdict = 'mask-echo'
}

/**
 * Decides the waiting keys this output decides.
 * @param open the line that is being typed, or null where its last key is older than the window for an answer:
 * behind Enter, and later, only an echo counts, since any program may print anything then
 */
export const takeAnswer = (waiting: readonly Piece[], output: OutputAnswer, open: TypedLine | null): void => {
  const oldest = waiting[0]
  if (!oldest || takeEchoes(waiting, output)) return
  if (isStarred(oldest.line, output)) takeStars(waiting, oldest.line)
  else if (open?.policy === 'answer' && output.answers) {
    const pieces = waiting.filter((piece) => piece.line === open)
    if (pieces.length > 0) takeReaction(pieces, open, output)
  }
}
