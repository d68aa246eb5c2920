import type { TtyMode } from '#hooks/hook.ts'
import type { Config } from '#services/config.ts'
import { type Frame, Stream } from '#services/recordings/format/frame-batch.ts'
import { createAlternateScreen } from './alternate-screen.ts'
import { matchEcho } from './echo-match.ts'
import { type HeldFrame, isDecided, type Piece, releasedFrames, type Verdict } from './held-frame.ts'
import { hasContent, type OutputAnswer, readOutput } from './output-answer.ts'
import {
  isStarred,
  type KeyPolicy,
  keepsUnanswered,
  type MaskRule,
  newLine,
  policyOf,
  reactionAnswers,
  type TypedLine,
} from './typed-line.ts'
import { splitTyped, type TypedPart } from './typed-parts.ts'

/**
 * Keeps typed secrets out of the recording: holds typed text until it is known that it was no secret.
 * Frames come out in the order they went in, each exactly once, with their delays.
 *
 * What the caller must do, since a mode can only be read after the key has arrived:
 * - read the mode for each typed frame before anything else is done with it; where frames have waited (several in one
 *   read, a busy event loop) the reading says nothing about the time of typing: give `unknown`;
 * - read it again 10 ms and 100 ms after output and tell `observe`: programs print the prompt before or after they
 *   turn the echo off, and a pasted answer is over, echo on again, before its frame is here;
 * - give output frames `unknown` unless it was read for them;
 * - call `tick` at `nextDeadlineMs`.
 * `nowMs` is monotonic.
 */
export type Masker = {
  push(frame: Frame, at: { nowMs: number; mode: TtyMode }): Frame[]
  /** The terminal's mode as it is now, read without a frame. */
  observe(mode: TtyMode): void
  tick(nowMs: number): Frame[]
  /** What is undecided is masked. */
  end(): Frame[]
  nextDeadlineMs(): number | null
}

const outputHoldMs = 900 // output is durable within 1 s, the spool's part included
const outputHoldBytes = 256 * 1024
const heldFrames = 4096
const echoTries = 256

const keyCount = (bytes: Uint8Array): number => {
  let count = 0
  for (const byte of bytes) if ((byte & 0xc0) !== 0x80) count++
  return count
}
const latin1 = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')

export const createMasker = (config: Config['agent']['masking']): Masker => {
  const screen = createAlternateScreen()
  let queue: HeldFrame[] = []
  let waiting: Piece[] = []
  let line = newLine()
  let pasting = false
  let remembered: TtyMode | null = null
  let typedBytes = 0
  let outputBytes = 0
  let nowMs = 0

  const observe = (mode: TtyMode): void => {
    if (mode !== 'unknown') remembered = mode
  }

  const settle = (piece: Piece, rule: MaskRule): void => {
    if (piece.line.starred) piece.verdict = 'mask-echo'
    else if (keepsUnanswered(piece.line)) piece.verdict = 'keep'
    else if (piece.line.policy === 'echo') piece.verdict = 'tty-no-echo'
    else piece.verdict = piece.line.endedMs === null ? rule : 'unanswered'
  }
  const forgetDecided = (): void => {
    waiting = waiting.filter((piece) => piece.verdict === null)
  }

  const deadlineOf = ({ line: { endedMs }, typedMs, outputMs }: Piece): number =>
    Math.min(
      typedMs + config.holdMs,
      endedMs === null ? Number.POSITIVE_INFINITY : endedMs + config.answerMs,
      outputMs === null ? Number.POSITIVE_INFINITY : outputMs + outputHoldMs,
    )

  const advance = (to: number): void => {
    nowMs = Math.max(nowMs, to)
    if (waiting.length === 0) return
    for (const piece of waiting) if (deadlineOf(piece) <= nowMs) settle(piece, 'undecided-limit')
    forgetDecided()
  }

  const endLine = (): void => {
    line.endedMs = nowMs
    line = newLine()
    pasting = false
  }

  const textVerdict = (policy: KeyPolicy): Verdict | null => {
    if (line.starred) return 'mask-echo'
    if (policy === 'mask') return 'tty-no-echo'
    if (policy === 'echo') line.policy = 'echo'
    return policy === 'keep' && line.policy !== 'echo' ? 'keep' : null
  }

  const pieceOf = (part: TypedPart, policy: KeyPolicy): Piece => {
    const verdict = part.kind === 'control' ? 'keep' : textVerdict(policy)
    const piece: Piece = { bytes: part.bytes, verdict, line, echoed: 0, typedMs: nowMs, outputMs: null }
    if (part.kind === 'control') return piece
    const keys = keyCount(part.bytes)
    line.keys += keys
    line.lastKey = part.bytes.at(-1)!
    line.lastKeyMs = nowMs
    line.alternate = screen.active
    if (verdict === null) {
      line.unanswered += keys
      waiting.push(piece)
    }
    return piece
  }

  const policyOfFrame = (parts: readonly TypedPart[], mode: TtyMode): KeyPolicy => {
    const policy = policyOf(mode, remembered)
    const size = parts.reduce((sum, part) => sum + part.bytes.length, 0)
    // Text and Enter in one frame: whoever read it may have turned the echo on again before the mode was read.
    return policy === 'keep' && size <= config.holdBytes && parts.some((part) => part.endsLine) ? 'echo' : policy
  }

  const typed = (frame: Frame, mode: TtyMode): void => {
    const parts = splitTyped(frame.data)
    let policy = policyOfFrame(parts, mode)
    const pieces = parts.map((part) => {
      if (part.paste) pasting = part.paste === 'starts'
      line.pasted ||= pasting
      const piece = pieceOf(part, policy)
      if (part.endsLine && !pasting) {
        endLine()
        // The lines behind the first were typed ahead of whoever reads them, and may be echoed then.
        if (policy === 'mask') policy = 'echo'
      }
      return piece
    })
    queue.push({ frame, pieces })
    typedBytes += frame.data.byteLength
  }

  const byLine = (): Map<TypedLine, Piece[]> => Map.groupBy(waiting, (piece) => piece.line)

  const acceptEcho = (of: TypedLine, pieces: readonly Piece[], length: number): void => {
    let left = length
    for (const piece of pieces) {
      if (left === 0) break
      const seen = Math.min(left, piece.bytes.length - piece.echoed)
      piece.echoed += seen
      left -= seen
      of.answered += seen
      if (piece.echoed === piece.bytes.length || piece.echoed >= 4) piece.verdict = 'keep'
    }
    of.reactions = 0
    of.unanswered = pieces.reduce((sum, piece) => sum + (piece.verdict === null ? keyCount(piece.bytes) : 0), 0)
  }

  /** A bracketed paste is echoed where it fits on the screen: one part that is seen stands for the whole. */
  const pasteEchoed = (of: TypedLine, pieces: readonly Piece[], { lines }: OutputAnswer): boolean => {
    const seen = pieces
      .slice(-echoTries)
      .some((piece) => piece.bytes.length >= 4 && matchEcho(latin1(piece.bytes), lines, { ended: true }))
    if (seen) acceptEcho(of, pieces, Number.POSITIVE_INFINITY)
    return seen
  }

  const echoes = (output: OutputAnswer): boolean => {
    let fromLine = 0
    let found = false
    const lines = [...byLine()].slice(0, echoTries)
    for (const [index, [of, pieces]] of lines.entries()) {
      const text = pieces.map((piece) => latin1(piece.bytes.subarray(piece.echoed))).join('')
      const match = matchEcho(text, output.lines, { fromLine, ended: of.endedMs !== null })
      if (match) acceptEcho(of, pieces, match.length)
      else if (!of.pasted || !pasteEchoed(of, pieces, output)) continue
      // Echoes come in the order of typing: what was typed before and is not echoed by now never will be.
      for (const [, earlier] of lines.slice(0, index))
        for (const piece of earlier) if (piece.verdict === null) settle(piece, 'unanswered')
      fromLine = (match?.line ?? fromLine) + 1
      found = true
    }
    return found
  }

  const react = (output: OutputAnswer): void => {
    const pieces = waiting.filter((piece) => piece.line === line)
    if (pieces.length === 0 || line.policy === 'echo' || nowMs - line.lastKeyMs > config.answerMs) return
    const keys = pieces.reduce((sum, piece) => sum + keyCount(piece.bytes), 0)
    if (!reactionAnswers(line, output, keys)) return
    for (const piece of pieces) piece.verdict = 'keep'
    if (output.moves) line.answered += keys
    line.unanswered = 0
    line.reactions = 0
  }

  const answer = (data: Uint8Array): void => {
    const output = readOutput(data)
    if (!hasContent(output)) return
    const oldest = waiting[0]!.line
    if (echoes(output)) return
    if (isStarred(oldest, output)) {
      oldest.starred = true
      for (const piece of waiting) if (piece.line === oldest) piece.verdict = 'mask-echo'
    } else if (output.moves || output.steps || output.lines.some((text) => text.trim() !== '')) react(output)
  }

  const shown = (frame: Frame): void => {
    if (frame.stream === Stream.TTYOUT && waiting.length > 0) answer(frame.data)
    forgetDecided()
    for (const piece of waiting) piece.outputMs ??= nowMs
    queue.push({ frame, pieces: null })
    outputBytes += frame.data.byteLength
  }

  const drain = (): Frame[] => {
    const count = queue.findIndex((held) => !isDecided(held))
    const ready = count < 0 ? queue : queue.slice(0, count)
    queue = count < 0 ? [] : queue.slice(count)
    for (const { frame, pieces } of ready) {
      if (pieces === null) outputBytes -= frame.data.byteLength
      else typedBytes -= frame.data.byteLength
    }
    return ready.flatMap(releasedFrames)
  }

  const drainWithin = (): Frame[] => {
    const released = drain()
    while (typedBytes > config.holdBytes || outputBytes > outputHoldBytes || queue.length > heldFrames) {
      settle(waiting[0]!, 'undecided-limit')
      waiting.shift()
      released.push(...drain())
    }
    return released
  }

  return {
    push: (frame, at) => {
      if (queue.length === 0 && frame.stream !== Stream.TTYIN) {
        if (frame.stream === Stream.TTYOUT) screen.see(frame.data)
        observe(at.mode)
        return [frame]
      }
      advance(at.nowMs)
      if (frame.stream === Stream.TTYIN) typed(frame, at.mode)
      else shown(frame)
      if (frame.stream === Stream.TTYOUT) screen.see(frame.data)
      observe(at.mode)
      return drainWithin()
    },
    observe,
    tick: (now) => {
      advance(now)
      return drainWithin()
    },
    end: () => {
      for (const piece of waiting) piece.verdict = piece.line.starred ? 'mask-echo' : 'undecided-end'
      waiting = []
      return drain()
    },
    nextDeadlineMs: () =>
      waiting.length === 0 ? null : waiting.reduce((soonest, piece) => Math.min(soonest, deadlineOf(piece)), Infinity),
  }
}
