import { setTimeout as sleep } from 'node:timers/promises'
import type { Recorder } from '#hooks/hook.ts'
import type { Place, PlaceKeeper } from '#hooks/openssh/kept-place.ts'
import { createRefusals } from '#hooks/openssh/refusals.ts'
import type { LineReader } from '#hooks/openssh/run-sources.ts'
import { BartizanError, hasCode } from '#services/errors.ts'
import type { Logger } from '#services/log.ts'
import { createEndedRecordings } from './ended-recordings.ts'
import type { Part } from './message-order.ts'
import { piecesOf } from './pieces.ts'
import { createPlaces } from './places.ts'
import { readLine } from './read-line.ts'
import { createRecording, openingOf, type Recording, resumeRecording } from './recording.ts'
import type { ProcessLook } from './recording-process.ts'
import type { TlogState } from './state.ts'

const maxOpen = 1024
const maxPendingBytes = 4 * 1024 * 1024
const pauseMs = 50
const tickMs = 500
const quietMs = 3_000

export type ReaderOptions = {
  recorder: Recorder
  kept: Place<TlogState> | null
  place: PlaceKeeper<TlogState>
  hasRoom: () => boolean
  processState: ProcessLook
  /** Silence after which a recording whose process cannot be looked at counts as over. */
  silentEndMs: number
  signal: AbortSignal
  log: Logger
}

/** Lines of tlog → sessions. Where there is no room, reading waits; a place is kept when all before it is durable. */
export const createReader = async (options: ReaderOptions): Promise<LineReader> => {
  const { recorder, kept, place, hasRoom, processState, signal, log } = options
  const open = new Map<string, Recording>()
  const ended = createEndedRecordings(kept?.parser.ended ?? [])
  const refusals = createRefusals(recorder, log, 'tlog', 'tlog')
  const places = createPlaces(place, kept, open, ended)
  let isRepeatable = false // the source would give its lines again
  let turn: Promise<void> = Promise.resolve()

  const adopt = (recording: Recording): void => {
    open.set(recording.rec, recording)
    recording.session.onAbort((text) => {
      void finish(recording, 'aborted', text)
    })
  }
  const finish = async (recording: Recording, reason: 'exit' | 'truncated' | 'aborted', detail: string) => {
    if (open.get(recording.rec) !== recording) return
    open.delete(recording.rec)
    const ending = recording.end({ reason, detail }, Date.now())
    ended.add(recording.rec, recording.nextId)
    await ending.catch((err: unknown) => log.error({ err, rec: recording.rec }, 'tlog: the end is not recorded'))
  }
  const resume = async (before: TlogState['open'][number]): Promise<void> => {
    try {
      adopt(await resumeRecording(recorder, before, Date.now()))
    } catch (err) {
      if (!hasCode(err, 'BTZ_NOT_FOUND')) throw err
      log.warn({ err, rec: before.rec }, 'tlog: a recording goes on in a session of its own')
      ended.add(before.rec, before.nextId)
    }
  }

  const room = async (): Promise<void> => {
    const isOver = () => [...open.values()].some(({ session }) => session.pendingBytes > maxPendingBytes)
    while (!hasRoom() || isOver()) {
      // What was read of a socket does not come again: at a stop it is dropped only where there is no room for it.
      if (signal.aborted) throw new BartizanError('BTZ_UNAVAILABLE', 'the hook of tlog stops')
      await sleep(pauseMs)
    }
  }
  const quietest = (): Recording => [...open.values()].reduce((a, b) => (b.heardMs < a.heardMs ? b : a))
  const opened = async (part: Part, uid: string | null): Promise<Recording> => {
    if (open.size >= maxOpen) await finish(quietest(), 'truncated', `more than ${maxOpen} recordings at once`)
    const { rec } = part.message
    const before = ended.nextId(rec)
    const session = await recorder.open(openingOf(part))
    if (before !== null)
      session.marker({ type: 'resumed', detail: 'goes on after another session of the same tlog recording' })
    const recording = createRecording({ rec, uid, nextId: before ?? 1, elapsedNs: 0n }, session, Date.now())
    ended.delete(rec)
    if (isRepeatable) await places.opened(recording)
    adopt(recording)
    return recording
  }
  const recordingOf = async (part: Part, uid: string | null): Promise<Recording> => {
    for (;;) {
      await room()
      try {
        return open.get(part.message.rec) ?? (await opened(part, uid))
      } catch (err) {
        if (!hasCode(err, 'BTZ_SPOOL_FULL') || signal.aborted) throw err
        await sleep(pauseMs)
      }
    }
  }

  const takePart = async (part: Part, uid: string | null): Promise<void> => {
    const { rec, id } = part.message
    const known = open.get(rec)
    if (known && known.uid !== uid) return refusals.add('another user wrote it than the recording began with')
    if (!known && id < (ended.nextId(rec) ?? 0)) return refusals.add('it was there before')
    const recording = await recordingOf(part, uid)
    if (!recording.take(part, Date.now())) refusals.add('it was there before')
  }
  const takeLine = async (line: string): Promise<void> => {
    const read = readLine(line)
    if (read === null) return
    if ('refused' in read) return refusals.add(read.refused)
    const pieces = piecesOf(read.message)
    if (typeof pieces === 'string') return refusals.add(pieces)
    await takePart({ message: read.message, pieces }, read.uid)
  }

  const endQuiet = async (recording: Recording, nowMs: number): Promise<void> => {
    const silentMs = nowMs - recording.heardMs
    if (silentMs < quietMs || recording.waits) return
    const state = await processState(recording.rec)
    if (state === 'gone') await finish(recording, 'exit', 'tlog-rec ended; how, it does not say')
    else if (state === 'unknown' && silentMs >= options.silentEndMs)
      await finish(recording, 'truncated', `nothing came for ${Math.round(silentMs / 60_000)} minutes`)
  }
  const tick = async (): Promise<void> => {
    const nowMs = Date.now()
    for (const recording of open.values()) recording.tick(nowMs)
    for (const recording of [...open.values()]) await endQuiet(recording, nowMs)
    places.advance()
    refusals.tell(nowMs)
  }
  const inTurn = (act: () => Promise<void>): Promise<void> => {
    const acted = turn.then(act)
    turn = acted.catch(() => undefined)
    return acted
  }

  for (const before of kept?.parser.open ?? []) await resume(before)
  const timer = setInterval(() => {
    inTurn(tick).catch((err: unknown) => log.error({ err }, 'tlog: a look at the recordings failed'))
  }, tickMs)

  return {
    onLines: (lines, position) =>
      inTurn(async () => {
        isRepeatable = position !== null
        for (const line of lines) await takeLine(line)
        places.reached(position)
      }),
    close: async () => {
      clearInterval(timer)
      await turn
      await Promise.all([...open.values()].map(({ session }) => session.leave('drop')))
      places.advance()
      refusals.tell(Number.POSITIVE_INFINITY)
    },
  }
}
