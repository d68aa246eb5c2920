import type { TtyMode } from '#hooks/hook.ts'
import type { Config } from '#services/config.ts'
import { type Frame, Stream } from '#services/recordings/format/frame-batch.ts'
import { createAlternateScreen } from './alternate-screen.ts'
import { takeAnswer } from './answers.ts'
import { type HeldFrame, isDecided, type Piece, releasedFrames } from './held-frame.ts'
import { readOutput } from './output-answer.ts'
import { createShownLines } from './shown-lines.ts'
import { type KeyPolicy, policyOf, verdictUnanswered } from './typed-line.ts'
import { splitTyped, type TypedPart } from './typed-parts.ts'
import { createTyping } from './typing.ts'

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
 *
 * Limits, where nothing but the output can tell (a nested ssh, or no way to read the mode): output that uses cursor
 * control and comes from the background while a secret is typed gives away up to two of its keys, plain text one key,
 * each time it comes; on the alternate screen (a prompt inside tmux) the last three keys, or those of somebody who
 * types three in 2 s, may be kept; a secret of less than four keys may be taken for an echo.
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

type Limits = Config['agent']['masking']

const deadlineOf = ({ line: { endedMs }, typedMs, outputMs }: Piece, { holdMs, answerMs }: Limits): number =>
  Math.min(
    typedMs + holdMs,
    endedMs === null ? Number.POSITIVE_INFINITY : endedMs + answerMs,
    outputMs === null ? Number.POSITIVE_INFINITY : outputMs + outputHoldMs,
  )

const policyOfFrame = (policy: KeyPolicy, parts: readonly TypedPart[], data: Uint8Array, limits: Limits): KeyPolicy => {
  // Text and Enter in one frame: who read the line may have turned the echo on again before the mode was read.
  const complete = policy === 'keep' && data.byteLength <= limits.holdBytes && parts.some((part) => part.endsLine)
  return complete ? 'echo' : policy
}

export const createMasker = (limits: Limits): Masker => {
  const screen = createAlternateScreen()
  const typing = createTyping()
  const shown = createShownLines()
  let queue: HeldFrame[] = []
  let waiting: Piece[] = []
  let remembered: TtyMode | null = null
  let typedBytes = 0
  let otherBytes = 0
  let nowMs = 0

  const known = (mode: TtyMode): TtyMode | null => (mode === 'unknown' ? remembered : mode)
  const observe = (mode: TtyMode): void => {
    remembered = known(mode)
  }
  const settle = (piece: Piece): void => {
    piece.verdict = verdictUnanswered(piece.line, piece.line.endedMs === null ? 'undecided-limit' : 'unanswered')
  }
  const forgetDecided = (): void => {
    if (waiting.length > 0) waiting = waiting.filter((piece) => piece.verdict === null)
    if (waiting.length === 0) shown.clear()
  }
  const advance = (to: number): void => {
    nowMs = Math.max(nowMs, to)
    for (const piece of waiting) if (deadlineOf(piece, limits) <= nowMs) settle(piece)
    forgetDecided()
  }

  const holdTyped = (frame: Frame, mode: TtyMode): void => {
    const parts = splitTyped(frame.data)
    const policy = policyOfFrame(policyOf(mode, remembered), parts, frame.data, limits)
    const pieces = typing.take(parts, policy, { nowMs, alternate: screen.active })
    for (const piece of pieces) if (piece.verdict === null) waiting.push(piece)
    // Behind Enter another program may read: what was known of the one before says nothing any more.
    remembered = parts.some((part) => part.endsLine) ? null : known(mode)
    queue.push({ frame, pieces })
    typedBytes += frame.data.byteLength
  }

  const holdOther = (frame: Frame): void => {
    if (frame.stream === Stream.TTYOUT && waiting.length > 0) {
      const { line } = typing
      const output = readOutput(frame.data)
      shown.add(output.cuts)
      takeAnswer(waiting, output, shown.lines, nowMs - line.lastKeyMs <= limits.answerMs ? line : null)
      forgetDecided()
    }
    for (const piece of waiting) piece.outputMs ??= nowMs
    queue.push({ frame, pieces: null })
    otherBytes += frame.data.byteLength
  }

  const drain = (): Frame[] => {
    const held = queue.findIndex((entry) => !isDecided(entry))
    const ready = held < 0 ? queue : queue.slice(0, held)
    queue = held < 0 ? [] : queue.slice(held)
    for (const { frame, pieces } of ready) {
      if (pieces === null) otherBytes -= frame.data.byteLength
      else typedBytes -= frame.data.byteLength
    }
    return ready.flatMap(releasedFrames)
  }

  const drainWithinLimits = (): Frame[] => {
    const released = drain()
    while (typedBytes > limits.holdBytes || otherBytes > outputHoldBytes || queue.length > heldFrames) {
      settle(waiting.shift()!)
      released.push(...drain())
    }
    return released
  }

  return {
    push: (frame, at) => {
      if (frame.stream === Stream.TTYOUT) screen.see(frame.data)
      const passes = queue.length === 0 && frame.stream !== Stream.TTYIN
      if (frame.stream !== Stream.TTYIN) observe(at.mode)
      if (passes) return [frame]
      advance(at.nowMs)
      if (frame.stream === Stream.TTYIN) holdTyped(frame, at.mode)
      else holdOther(frame)
      return drainWithinLimits()
    },
    observe,
    tick: (now) => {
      advance(now)
      return drainWithinLimits()
    },
    end: () => {
      for (const piece of waiting) piece.verdict = piece.line.starred ? 'mask-echo' : 'undecided-end'
      waiting = []
      return drain()
    },
    nextDeadlineMs: () =>
      waiting.length === 0
        ? null
        : waiting.reduce((soonest, piece) => Math.min(soonest, deadlineOf(piece, limits)), Number.POSITIVE_INFINITY),
  }
}
