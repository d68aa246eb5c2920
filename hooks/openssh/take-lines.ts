import { setTimeout as sleep } from 'node:timers/promises'
import type { Recorder } from '#hooks/hook.ts'
import { BartizanError, hasCode } from '#services/errors.ts'
import type { Logger } from '#services/log.ts'
import type { PlaceKeeper } from './kept-place.ts'
import type { OnLines } from './line-source.ts'
import type { SshdEvent, SshdLog } from './sshd-log.ts'

const maxTogether = 256 // events that one sync of the spool carries
const fullPauseMs = 250

export type TakeLines = {
  parser: SshdLog
  place: PlaceKeeper
  recorder: Pick<Recorder, 'event'>
  /** Whether the spool has room to spare: the log keeps its lines, a session that is not recorded is lost. */
  hasRoom: () => boolean
  signal: AbortSignal
  log: Logger
}

const stopped = (): BartizanError => new BartizanError('BTZ_UNAVAILABLE', 'the hook of sshd stops')

/** Lines → events, durable → the place behind them. Nothing is dropped: where there is no room, reading waits. */
export const createTakeLines = ({ parser, place, recorder, hasRoom, signal, log }: TakeLines): OnLines => {
  const room = async (): Promise<void> => {
    if (!hasRoom()) log.warn('sshd log: reading waits until the spool has room')
    while (!hasRoom() && !signal.aborted) await sleep(fullPauseMs)
    if (signal.aborted) throw stopped()
  }
  const put = async (event: SshdEvent): Promise<void> => {
    for (;;) {
      await room()
      try {
        return await recorder.event(event)
      } catch (err) {
        if (hasCode(err, 'BTZ_REQUEST_INVALID') || hasCode(err, 'BTZ_PAYLOAD_TOO_LARGE')) {
          log.error({ err, id: event.id, kind: event.kind }, 'sshd log: an event can never be taken')
          return
        }
        if (!hasCode(err, 'BTZ_SPOOL_FULL')) throw err
        await sleep(fullPauseMs)
      }
    }
  }
  return async (lines, position) => {
    let events: SshdEvent[] = []
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
