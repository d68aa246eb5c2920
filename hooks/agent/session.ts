import type { Clock, SessionEnding, SessionRecorder, TtyMode } from '#hooks/hook.ts'
import type { Config } from '#services/config.ts'
import type { Logger } from '#services/log.ts'
import type { Frame } from '#services/recordings/format/frame-batch.ts'
import type { SessionStart } from '#services/schema/generated/frame_batch_pb.ts'
import type { Marker } from '#services/schema/marker.ts'
import type { EventChain } from './event-chain.ts'
import type { Masker } from './masking/masker.ts'
import { createMaskingLine } from './masking-line.ts'
import type { ResumeMatch } from './resume-match.ts'
import type { SessionChain, Signing } from './session-chain.ts'
import { commandEvent, endedEvent } from './session-events.ts'
import { markerFrame, maskedMarker } from './session-marker.ts'
import { endMessage } from './session-start.ts'
import { createSessionWriter } from './session-writer.ts'
import type { Spool } from './spool/spool.ts'

/** A session under way, as the agent sees it. */
export type Session = SessionRecorder & {
  readonly chain: SessionChain
  /** Durable when resolved. @throws as spool.append */
  start(start: SessionStart): Promise<void>
  /** Tells the source to end; ends the session itself when the source does not. */
  abort(text: string): void
  /** The spool takes data again. */
  roomAgain(): void
  /** All that came so far is durable when resolved; what was held is masked. */
  flush(): Promise<void>
  /** Another recorder goes on with this session: nothing more is taken here. */
  retire(): void
}

export type SessionOptions = {
  chain: SessionChain
  bastion: string
  config: Config['agent']
  spool: Spool
  events: EventChain
  signing: Signing
  masker: Masker
  log: Logger
  ttyMode?: (() => Promise<TtyMode>) | undefined
  clock?: Clock | undefined
  /**
   * Of a source that came back: where it goes on, what of that is recorded already, and how many command events are in
   * the spool although their markers are not.
   */
  resumed?: { fromNs: bigint; match: ResumeMatch; commandsAhead: number }
  /** The end is in the spool, with its event. */
  onEnded: () => void
  /** Nothing more comes from this recorder. */
  onClosed: () => void
}

const drainedBytes = 1024 * 1024
const abortGraceMs = 5_000
const eventHintBytes = 1024

export const createSession = (options: SessionOptions): Session => {
  const { chain, config, events, log, resumed } = options
  const { sessionId } = chain
  const fromNs = resumed?.fromNs ?? 0n
  const commitListeners: ((elapsedNs: bigint) => void)[] = []
  const drainedListeners: (() => void)[] = []
  const abortListeners: ((text: string) => void)[] = []
  let match = resumed?.match ?? null
  let lateMarkers: Frame[] = []
  let commandsAhead = resumed?.commandsAhead ?? 0
  let commandLost = false
  let pendingBytes = 0
  let receivedNs = fromNs
  let toldNs: bigint | null = null
  let muted = false // what was lost is never called safe
  let abortText: string | null = null
  let abortTimer: NodeJS.Timeout | undefined
  let ended: Promise<void> | null = null
  let retired = false

  const settle = (bytes: number): void => {
    const before = pendingBytes
    pendingBytes -= bytes
    if (before >= drainedBytes && pendingBytes < drainedBytes) for (const listener of drainedListeners) listener()
  }
  const tell = (elapsedNs: bigint): void => {
    if (muted || retired || (toldNs !== null && elapsedNs <= toldNs)) return
    toldNs = elapsedNs
    for (const listener of commitListeners) listener(elapsedNs)
  }
  const unrecorded = (error: unknown): void => log.error({ err: error, sessionId }, 'session end not recorded')

  const abort = (text: string): void => {
    if (abortText !== null || ended || retired) return
    abortText = text
    log.warn({ sessionId, text }, 'session is ended by the agent')
    for (const listener of abortListeners) listener(text)
    const ending = { exitCode: null, signal: null, dumpedCore: false, detail: text, runTimeNs: receivedNs }
    abortTimer = setTimeout(() => void end({ reason: 'aborted', ...ending }).catch(unrecorded), abortGraceMs)
  }

  const writer = createSessionWriter({
    chain,
    spool: options.spool,
    bastion: options.bastion,
    signing: options.signing,
    maxBytes: config.batchMaxBytes,
    maxMs: config.batchMaxMs,
    fromNs,
    onDurable: (bytes, commitNs) => {
      if (commitNs > fromNs) tell(commitNs)
      settle(bytes)
    },
    onLost: (bytes) => {
      muted ||= config.spool.onFull === 'abort'
      settle(bytes)
    },
    onBroken: (error) => {
      muted = true
      log.error({ err: error, sessionId }, 'session cannot be recorded any more')
      abort('Bartizan: this session cannot be recorded any more')
    },
  })
  const { masker, ttyMode, clock = 'wall' } = options
  const line = createMaskingLine({ masker, ttyMode, clock, fromNs, out: writer.add })

  const resumedHere = (): void => {
    match = null
    for (const frame of [
      markerFrame({ type: 'resumed', detail: 'the source was cut off and came back' }),
      ...lateMarkers,
    ]) {
      pendingBytes += frame.data.byteLength
      line.add(frame)
    }
    lateMarkers = []
  }
  const takeAgain = (frame: Frame, matching: ResumeMatch): void => {
    const result = matching.match(frame)
    if (result.kind === 'recorded') {
      tell(line.pass(frame.delayNs))
      settle(frame.data.byteLength)
    } else if (result.kind === 'differs') {
      abort('Bartizan: what is sent again differs from what was recorded')
      muted = true
      settle(frame.data.byteLength)
    } else {
      resumedHere()
      settle(frame.data.byteLength - result.rest.data.byteLength)
      line.add(result.rest, frame.delayNs)
    }
  }
  const take = (frame: Frame): void => {
    if (ended || retired) return
    receivedNs += frame.delayNs
    pendingBytes += frame.data.byteLength
    if (match?.done) resumedHere()
    if (match) takeAgain(frame, match)
    else line.add(frame)
  }

  const emitCommand = (marker: Extract<Marker, { type: 'exec' }>, bytes: number): void => {
    if (commandsAhead > 0) return void commandsAhead--
    const event = commandEvent(chain, marker, receivedNs)
    pendingBytes += bytes
    events
      .emit(event, { onWritten: () => chain.commandEvents++ })
      .catch((error: unknown) => {
        // Once: on a full disk a busy script would fill the log as well. The gap in the recording counts the rest.
        if (!commandLost) log.error({ err: error, sessionId }, 'command events are not recorded')
        commandLost = true
      })
      .finally(() => settle(bytes))
  }
  const takeMarker = (marker: Marker): void => {
    if (ended || retired) return
    const frame = markerFrame(maskedMarker(marker))
    if (match?.matchMarker(frame)) return
    if (match && !match.done) lateMarkers.push(frame)
    else take(frame)
    if (marker.type === 'exec') emitCommand(marker, eventHintBytes + frame.data.byteLength)
  }

  const finish = async (ending: SessionEnding): Promise<void> => {
    try {
      await line.flush()
      await writer.end(endMessage(ending, chain.facts.startedAtMs, Date.now()))
      tell(receivedNs)
      events
        .emit(endedEvent(chain), { useReserve: true, onWritten: options.onEnded })
        .catch((error: unknown) => log.error({ err: error, sessionId }, 'session_ended not recorded before a restart'))
    } finally {
      options.onClosed()
    }
  }
  const stop = (): void => {
    clearTimeout(abortTimer)
    line.stop()
  }
  const end = (ending: SessionEnding): Promise<void> => {
    stop()
    ended ??= finish(ending)
    return ended
  }

  const retire = (): void => {
    retired = true
    stop()
  }

  return {
    sessionId,
    logId: sessionId,
    chain,
    get pendingBytes() {
      return pendingBytes
    },
    get receivedNs() {
      return receivedNs
    },
    start: writer.open,
    frame: take,
    marker: takeMarker,
    onDrained: (listener) => void drainedListeners.push(listener),
    onCommit: (listener) => void commitListeners.push(listener),
    onAbort: (listener) => {
      abortListeners.push(listener)
      if (abortText !== null) listener(abortText)
    },
    end,
    abort,
    roomAgain: writer.roomAgain,
    flush: async () => {
      await line.flush()
      await writer.flush()
    },
    leave: async (held) => {
      if (held === 'mask') await line.flush()
      await writer.flush()
      retire()
      options.onClosed()
    },
    retire,
  }
}
