import { setTimeout as sleep } from 'node:timers/promises'
import type { HookEvent, Recorder } from '#hooks/hook.ts'
import { BartizanError, hasCode } from '#services/errors.ts'
import type { Logger } from '#services/log.ts'
import type { PlaceKeeper } from './kept-place.ts'
import type { OnLines } from './line-source.ts'

const maxTogether = 256 // events that one sync of the spool carries
const fullPauseMs = 250

/** What turns lines into events, and can go on from what it remembers. */
export type LineParser<S> = { take(line: string): readonly LineEvent[]; snapshot(): S }
/** The id is the same whenever the line is read. */
export type LineEvent = HookEvent & { id: string }

export type TakeLines<S> = {
  parser: LineParser<S>
  place: PlaceKeeper<S>
  recorder: Pick<Recorder, 'event'>
  /** Whether the spool has room to spare: the log keeps its lines, a session that is not recorded is lost. */
  hasRoom: () => boolean
  signal: AbortSignal
  log: Logger
}

const stopped = (): BartizanError => new BartizanError('BTZ_UNAVAILABLE', 'the hook stops')

/** Lines → events, durable → the place behind them. Nothing is dropped: where there is no room, reading waits. */
export const createTakeLines = <S>({ parser, place, recorder, hasRoom, signal, log }: TakeLines<S>): OnLines => {
  const room = async (): Promise<void> => {
    if (!hasRoom()) log.warn('reading of a log waits until the spool has room')
    while (!hasRoom() && !signal.aborted) await sleep(fullPauseMs)
    if (signal.aborted) throw stopped()
  }
  const put = async (event: LineEvent): Promise<void> => {
    for (;;) {
      await room()
      try {
        return await recorder.event(event)
      } catch (err) {
        if (hasCode(err, 'BTZ_REQUEST_INVALID') || hasCode(err, 'BTZ_PAYLOAD_TOO_LARGE')) {
          log.error({ err, id: event.id, kind: event.kind }, 'an event of a log can never be taken')
          return
        }
        if (!hasCode(err, 'BTZ_SPOOL_FULL')) throw err
        await sleep(fullPauseMs)
      }
    }
  }
  return async (lines, position) => {
    let events: LineEvent[] = []
    const flush = async (): Promise<void> => {
      await Promise.all(events.map(put))
      events = []
    }
    for (const line of lines) {
      events.push(...parser.take(line))
      if (events.length >= maxTogether) await flush()
    }
    await flush()
    place.keep({ position, parser: parser.snapshot() })
  }
}
