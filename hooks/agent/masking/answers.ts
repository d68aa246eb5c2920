import { takeEchoes, waitingKeys } from './echoes.ts'
import type { Piece } from './held-frame.ts'
import type { OutputAnswer } from './output-answer.ts'
import { countsAsScreen, isStarred, reactionAnswers, type TypedLine } from './typed-line.ts'

const takeReaction = (pieces: readonly Piece[], line: TypedLine, output: OutputAnswer): void => {
  const keys = waitingKeys(pieces)
  if (!reactionAnswers(line, output, keys)) return
  for (const piece of pieces) piece.verdict = 'keep'
  if (countsAsScreen(line, output)) line.answered++
  line.unanswered = 0
  line.reactions = 0
}

const takeStars = (waiting: readonly Piece[], line: TypedLine): void => {
  line.starred = true
  for (const piece of waiting) if (piece.line === line) piece.verdict = 'mask-echo'
}

/**
 * Decides the waiting keys this output decides.
 * @param shown all that was shown since keys wait
 * @param open the line that is being typed, or null where its last key is older than the window for an answer:
 * behind Enter, and later, only an echo counts, since any program may print anything then
 */
export const takeAnswer = (
  waiting: readonly Piece[],
  output: OutputAnswer,
  shown: readonly string[],
  open: TypedLine | null,
): void => {
  const echoed = takeEchoes(waiting, { lines: output.lines, shown })
  const left = waiting.filter((piece) => piece.verdict === null)
  const oldest = left[0]?.line
  if (!oldest || (echoed && !countsAsScreen(oldest, output))) return
  if (!echoed && isStarred(oldest, output)) takeStars(left, oldest)
  else if (open?.policy === 'answer' && output.answers) {
    const pieces = left.filter((piece) => piece.line === open)
    if (pieces.length > 0) takeReaction(pieces, open, output)
  }
}
