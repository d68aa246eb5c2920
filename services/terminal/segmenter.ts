import { Stream } from '#services/recordings/format/frame-batch.ts'
import type { Place, ScreenText, Segment } from '#services/schema/screen.ts'
import { eventBytes, isDue, mayApproximate, mostActiveUs, type OpenSegment, overfullBytes } from './cut-rule.ts'
import { createEmulator, type Emulator, restoreEmulator } from './emulator.ts'
import { partsOf } from './frame-parts.ts'
import type { KeyframeStep } from './keyframe.ts'
import { createSpans, type Spans } from './pauses.ts'
import { createScreenTexts, type TextsState } from './screen-texts.ts'
import { createEventReader, type OpenCharacters, type TerminalEvent, type TimedFrame } from './terminal-events.ts'
import { clampSize, type TerminalSize } from './terminal-size.ts'

/** All that is needed to go on; `keyframe` brings an empty terminal to what is shown now. */
export type SegmenterState = TerminalSize & {
  version: 1
  keyframe: KeyframeStep[]
  isAlternate: boolean
  segmentCount: number
  open: OpenSegment
  spans: Spans & { lastUs: number }
  openCharacters: OpenCharacters
  texts: TextsState
}

export type Segmenter = {
  /** Frames in their order; `place`: number of the batch, and of the frame within it. */
  take(frame: TimedFrame, place: { batchSeq: number; frame: number }): void
  /** Nothing more happened until `nowUs`: what stands on the screen since a second becomes a text. */
  settle(nowUs: number): void
  /** What came since the last time. */
  drain(): { segments: Segment[]; texts: ScreenText[] }
  state(): SegmenterState
  /** Cuts that were due, but whose keyframe was not exact; and how often the output broke the terminal. */
  counts(): { refused: number; broken: number }
  dispose(): void
}

const isOutput = ({ stream }: TimedFrame): boolean =>
  stream === Stream.TTYOUT || stream === Stream.STDOUT || stream === Stream.STDERR

const usOf = ({ atNs }: TimedFrame): number => Number(atNs / 1000n)

const newState = (size: TerminalSize): SegmenterState => ({
  version: 1,
  ...clampSize(size),
  keyframe: [{ ...clampSize(size), sequence: '' }],
  isAlternate: false,
  segmentCount: 0,
  open: { startUs: 0, bytes: 0, activeUs: 0, isAlternate: false, isApproximate: false },
  spans: { pauses: [], marks: [], lastUs: 0 },
  openCharacters: {},
  texts: {
    primary: [],
    alternate: [],
    chainRows: null,
    lastOutputUs: 0,
    lastSampleUs: 0,
    isChanged: false,
    minute: null,
  },
})

const sizeOf = (data: string): TerminalSize => {
  const [cols, rows] = data.split('x').map(Number)
  return { cols: cols!, rows: rows! }
}

/** `state`: as it was returned for the same session; null: from its beginning. Works in memory alone. */
export const createSegmenter = ({ size, state }: { size: TerminalSize; state: SegmenterState | null }): Segmenter => {
  const from = state ?? newState(size)
  const reader = createEventReader(from.openCharacters)
  const spans = createSpans(from.spans)
  let emulator: Emulator = restoreEmulator(from.keyframe)
  let texts = createScreenTexts(emulator, from.texts)
  let { segmentCount } = from
  let open = { ...from.open }
  let segments: Segment[] = []
  const counts = { refused: 0, broken: 0 }
  let mustCut = false

  const push = (startUs: number, place: Place, init: string): void => {
    const isAlternate = emulator.isAlternate()
    segments.push({ number: segmentCount, startUs, place, ...emulator.size(), init, isAlternate, ...spans.take() })
    segmentCount++
    open = { startUs, bytes: 0, activeUs: 0, isAlternate, isApproximate: !emulator.hasOneSize() }
  }
  if (state === null) push(0, { batchSeq: 0, frame: 0, byte: 0 }, '')

  /** Where it cannot be exact the segment grows. */
  const cut = (startUs: number, place: Place): void => {
    if (startUs <= open.startUs) return // the player wants them apart
    const init = emulator.hasOneSize() || mayApproximate(open) ? emulator.exactKeyframe() : null
    if (init === null) {
      counts.refused++
      return
    }
    push(startUs, place, init)
    mustCut = false
  }

  const write = (text: string, atUs: number): void => {
    try {
      texts.output(text, atUs)
    } catch (error) {
      if (!(error instanceof WebAssembly.RuntimeError)) throw error
      // What breaks this terminal breaks the player's: who begins behind it sees the rest.
      counts.broken++
      mustCut = true
      emulator = createEmulator(emulator.size())
      texts = createScreenTexts(emulator, { ...newState(size).texts, lastOutputUs: atUs, lastSampleUs: atUs })
    }
  }

  const apply = ([, code, data]: TerminalEvent, atUs: number): void => {
    if (code === 'o') write(data, atUs)
    if (code !== 'r') return
    const { cols, rows } = sizeOf(data)
    emulator.resize(cols, rows)
    texts.resized()
  }

  const takePart = (frame: TimedFrame, place: Place): void => {
    const isBetween = reader.isClean() && (emulator.isClean() || open.bytes >= overfullBytes)
    const event = reader.toEvent(frame)
    if (event === null) return
    const [atUs, code] = [usOf(frame), event[1]]
    const gapUs = Math.max(0, atUs - spans.lastUs())
    const isResize = code === 'r'
    const isGood = mustCut || isDue(open, { gapUs, isAlternate: emulator.isAlternate(), isResize })
    const isCut = isBetween && isGood && code !== 'm' // a marker belongs to what is before it
    spans.event(atUs, code === 'm' ? event[2] : null)
    texts.settle(atUs)
    if (isCut && !isResize) cut(atUs, place)
    open.activeUs += Math.min(gapUs, mostActiveUs)
    open.bytes += frame.data.byteLength + eventBytes
    apply(event, atUs)
    if (isCut && isResize) cut(atUs, place)
  }

  return {
    take: (frame, { batchSeq, frame: number }) => {
      const isParted = isOutput(frame) && open.bytes + frame.data.byteLength > overfullBytes
      for (const [byte, end] of isParted ? partsOf(frame.data) : [[0, frame.data.byteLength]])
        takePart({ ...frame, data: frame.data.subarray(byte, end) }, { batchSeq, frame: number, byte: byte! })
    },
    settle: (nowUs) => void texts.settle(nowUs),
    drain: () => {
      const drained = { segments, texts: texts.drain() }
      segments = []
      return drained
    },
    state: () => ({
      ...{ version: 1, ...emulator.size(), keyframe: emulator.keyframeSteps(), isAlternate: emulator.isAlternate() },
      ...{ segmentCount, open: { ...open }, spans: spans.saved() },
      ...{ openCharacters: reader.openCharacters(), texts: texts.saved() },
    }),
    counts: () => ({ ...counts }),
    dispose: () => emulator.dispose(),
  }
}
