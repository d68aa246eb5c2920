import { maskCommandLine } from '#services/masking/mask-argv.ts'
import { type DecodedBatch, decodeFrames, type Frame, Stream } from '#services/recordings/format/frame-batch.ts'
import type { SessionStart } from '#services/schema/generated/frame_batch_pb.ts'
import { Marker } from '#services/schema/marker.ts'
import {
  addLine,
  addSecret,
  addSessionCommand,
  type Changed,
  changeLine,
  hasUntaken,
  takeProgram,
  takeShownLine,
} from './commands.ts'
import { mentions, type NumberedCommand } from './open-commands.ts'
import type { Missing } from './ordering.ts'
import { endedRow, gapRow, isInteractiveShell, startedRow, timeOf, unknownRow } from './session-row.ts'
import { newSessionState, type SessionState } from './session-state.ts'
import { endTyping, takeExec, takeMasked, takeResize, takeShown, takeTyped } from './typed/typed-lines.ts'
import type { TypedLines, TypedListener } from './typed/typing.ts'
import { isStepOfWrapper } from './wrapper.ts'

/** A batch of a session → its row and commands. Changes `state` and reaches for nothing else. */

const maxGaps = 20
const keptSudos = 16

export type Derived = { state: SessionState; commands: NumberedCommand[] }

const stateFromStart = (batch: DecodedBatch, start: SessionStart, changed: Changed): SessionState => {
  const row = startedRow(batch.sessionId, batch.bastion, start)
  const sessionCommand = row.tty === null || !isInteractiveShell(start.argv)
  const state = newSessionState(row, { sshTty: start.env.SSH_TTY?.slice(0, 256) ?? null, sessionCommand })
  if (sessionCommand) {
    const line = start.originalCommand === '' ? null : maskCommandLine(start.originalCommand.slice(0, 4096))
    addSessionCommand(state.commands, line, start.argv, changed)
  }
  return state
}

const stateWithoutStart = (batch: DecodedBatch): SessionState => {
  const startedAtMs = Math.max(0, batch.closedAtMs - Number(batch.endNs / 1_000_000n))
  const row = unknownRow(batch.sessionId, batch.bastion, startedAtMs)
  return newSessionState(row, { sshTty: null, sessionCommand: false })
}

const listenerOf = (state: SessionState, changed: Changed): TypedListener => ({
  line: (line) => addLine(state.commands, line, changed),
  secretTaken: () => addSecret(state.commands),
  expanded: (text) => changeLine(state.commands, text, changed),
  takenNow: (shown) => takeShownLine(state.commands, shown),
  hasUntaken: () => hasUntaken(state.commands),
})

const addGap = (state: SessionState, gap: string): void => {
  if (state.gaps.length < maxGaps) state.gaps.push(gap)
  state.row = gapRow(state.row, state.gaps)
}

const addSudo = (state: SessionState, atMs: number): void => {
  state.sudoAtMs = [...state.sudoAtMs, Date.parse(state.row.startedAt) + atMs].slice(-keptSudos)
}

const lost = (bytes: number | null): string => (bytes === null ? '' : `, ${bytes} bytes`)

const takeMarker = (state: SessionState, data: Uint8Array, atMs: number, changed: Changed): void => {
  let parsed: unknown
  try {
    parsed = JSON.parse(Buffer.from(data).toString())
  } catch {
    return // a marker of no known form stays in the evidence; it is no command
  }
  const { data: marker } = Marker.safeParse(parsed)
  if (marker?.type === 'gap') {
    addGap(state, `not recorded: ${marker.reason}${lost(marker.lostBytes)}`)
    if (state.typed) endTyping(state.typed, listenerOf(state, changed))
  } else if (marker?.type === 'exec') {
    const { argv, command } = marker
    const executed = argv.length > 0 ? argv : [command]
    if (/(?:^|\/)sudo$/.test(command) || executed[0] === 'sudo') addSudo(state, atMs)
    if (state.typed) takeExec(state.typed, (line) => mentions(line, executed), listenerOf(state, changed))
    const startup = isStartup(state) || isStepOfWrapper(state.row.argv, executed)
    takeProgram(state.commands, executed, atMs, startup, changed)
  }
}

const isStartup = ({ typed, sessionCommand, commands }: SessionState): boolean =>
  typed !== null && !sessionCommand && commands.typed === 0

const takeTerminal = (typed: TypedLines, frame: Frame, atMs: number, listener: TypedListener): void => {
  if (frame.stream === Stream.TTYOUT) takeShown(typed, frame.data, listener)
  else if (frame.stream === Stream.TTYIN && frame.masked) takeMasked(typed)
  else if (frame.stream === Stream.TTYIN) takeTyped(typed, frame.data, atMs, listener)
  else if (frame.stream === Stream.RESIZE && frame.data.byteLength >= 4) {
    takeResize(typed, (frame.data[2]! << 8) | frame.data[3]!)
  }
}

const outgoing = new Set<Stream>([Stream.TTYOUT, Stream.STDOUT, Stream.STDERR])
const incoming = new Set<Stream>([Stream.TTYIN, Stream.STDIN])

const takeFrame = (
  state: SessionState,
  frame: Frame,
  atMs: number,
  listener: TypedListener,
  changed: Changed,
): void => {
  const length = frame.masked?.length ?? frame.data.byteLength
  if (outgoing.has(frame.stream)) state.row.outBytes += length
  else if (incoming.has(frame.stream)) state.row.inBytes += length
  if (frame.stream === Stream.MARKER) takeMarker(state, frame.data, atMs, changed)
  else if (state.typed) takeTerminal(state.typed, frame, atMs, listener)
}

const takeEnd = (state: SessionState, batch: DecodedBatch, changed: Changed): void => {
  if (state.typed) endTyping(state.typed, listenerOf(state, changed))
  if (batch.end) state.row = endedRow(state.row, batch.end, batch.endNs, state.gaps)
}

const takeMissing = (state: SessionState, { from, to }: Missing, listener: TypedListener): void => {
  const batches = from === to ? `batch ${from}` : `batches ${from} to ${to}`
  addGap(state, `${batches} never came`)
  if (state.typed) endTyping(state.typed, listener)
}

/** `missing`: batches before this one that never came. @throws BTZ_BATCH_INVALID before anything has changed */
export const derive = (before: SessionState | null, batch: DecodedBatch, missing: Missing | null): Derived => {
  const changes = new Map<number, NumberedCommand>()
  const changed: Changed = ({ number, command }) => void changes.set(number, { number, command })
  const frames = decodeFrames(batch)
  if (batch.end) timeOf(Number(batch.end.atMs))
  const state = before ?? (batch.start ? stateFromStart(batch, batch.start, changed) : stateWithoutStart(batch))
  const lastActivityAt = timeOf(Date.parse(state.row.startedAt) + Number(batch.endNs / 1_000_000n))
  const listener = listenerOf(state, changed)
  if (missing) takeMissing(state, missing, listener)
  let elapsedNs = batch.startNs
  for (const frame of frames) {
    elapsedNs += frame.delayNs
    takeFrame(state, frame, Number(elapsedNs / 1_000_000n), listener, changed)
  }
  if (frames.length > 0) state.row.lastActivityAt = lastActivityAt
  if (batch.end) takeEnd(state, batch, changed)
  return { state, commands: [...changes.values()] }
}
