import { BartizanError, hasCode } from '#services/errors.ts'
import type { TerminalSize } from '#services/terminal/terminal-size.ts'
import { isAtRest, startFrom, touched } from '../ordering.ts'
import type { ScreenContext } from './context.ts'
import { newScreenSession, type ScreenSession, takeBack, takeProgress, updateOf } from './screen-session.ts'

const idleMs = 10_000
const writeEveryMs = 2_000
const writeFromBytes = 1024 * 1024

/** As a generation: none. */
const closed = -1

const lost = () => new BartizanError('BTZ_UNAVAILABLE', 'the thread that emulates screens was lost: it begins again')

/** The sessions of one partition whose terminals are in memory; the views have the state of the rest. */
export const createScreenTable = (ctx: Pick<ScreenContext, 'views' | 'emulation' | 'clock' | 'log' | 'metrics'>) => {
  const { views, emulation, clock, log, metrics } = ctx
  const sessions = new Map<string, ScreenSession>()
  // An earlier holder of the partition in this process may be in the middle of a batch still.
  const place = crypto.randomUUID()
  const keyOf = ({ sessionId }: ScreenSession): string => `${place}/${sessionId}`
  const isOpen = ({ generation }: ScreenSession): boolean => generation === emulation.generation()

  const load = async (session: ScreenSession): Promise<void> => {
    const progress = await views.screenProgress(session.sessionId)
    takeProgress(session, progress)
    startFrom(session, progress?.nextSeq ?? 0)
  }
  const close = async (session: ScreenSession): Promise<void> => {
    const wasOpen = isOpen(session)
    session.generation = closed
    if (wasOpen) await emulation.forget(keyOf(session))
  }

  const send = async (session: ScreenSession): Promise<void> => {
    if (session.unavailable === null && !isOpen(session)) throw lost()
    const state = session.unavailable === null ? await emulation.save(keyOf(session)) : '{}'
    const update = updateOf(session, session.owner!, state)
    try {
      await views.indexScreen(update)
    } catch (error) {
      if (!hasCode(error, 'BTZ_CATALOG_REFUSED')) throw error
      markUnavailable(session, error)
      const { unavailable } = session
      await views.indexScreen({ ...update, state: '{}', segments: [], texts: [], unavailable })
    }
    metrics.segments.inc(update.segments.length)
    metrics.texts.inc(update.texts.length)
  }
  const write = async (session: ScreenSession): Promise<void> => {
    try {
      await send(session)
    } catch (error) {
      takeBack(session)
      throw error
    }
    Object.assign(session, { applied: [], appliedBytes: 0, segments: [], texts: [] })
    if (session.isEnded || session.unavailable !== null) await close(session)
  }
  const markUnavailable = (session: ScreenSession, error: unknown): void => {
    session.unavailable = (error as Error).message.slice(0, 1_000)
    metrics.unavailable.inc()
    log.warn({ sessionId: session.sessionId, reason: session.unavailable }, 'the screen of a session is not available')
  }
  const isDue = (session: ScreenSession): boolean => {
    if (session.applied.length === 0) return false
    const isOld = Math.abs(clock.now() - session.appliedSinceMs) >= writeEveryMs
    return isOld || session.appliedBytes >= writeFromBytes || session.isEnded || session.unavailable !== null
  }

  /** Until one more may be opened, or none of this partition is left to be closed. */
  const makeRoom = async (): Promise<void> => {
    for (const session of sessions.values()) {
      if (emulation.hasRoom()) return
      if (!isOpen(session)) continue
      if (session.applied.length > 0) await write(session)
      await close(session)
      session.isLoaded = false
    }
  }

  return {
    all: () => [...sessions.values()],
    get: (sessionId: string): ScreenSession =>
      touched(sessions, sessions.get(sessionId) ?? newScreenSession(sessionId), clock.now()),
    load,
    keyOf,
    markUnavailable,
    /** `size`: where it has no state yet. */
    open: async (session: ScreenSession, size: TerminalSize): Promise<void> => {
      if (isOpen(session)) return
      if (session.applied.length > 0) throw lost()
      await makeRoom()
      // Closed, or lost, since it was loaded: what it goes on from stands in the views.
      if (session.generation !== null) await load(session)
      await emulation.open(keyOf(session), size, session.stored)
      session.stored = null
      session.generation = emulation.generation()
    },
    /** @throws what a write threw, after what failed was taken back */
    write: async (now: boolean): Promise<void> => {
      const due = [...sessions.values()].filter((session) => (now ? session.applied.length > 0 : isDue(session)))
      const done = await Promise.allSettled(due.map(write))
      for (const one of done) if (one.status === 'rejected') throw one.reason
    },
    isDue,
    writeOne: write,
    forgetIdle: async (): Promise<void> => {
      const nowMs = clock.now()
      for (const session of [...sessions.values()]) {
        const isIdle = session.isEnded || Math.abs(nowMs - session.touchedAtMs) >= idleMs
        if (!isIdle || !isAtRest(session)) continue
        sessions.delete(session.sessionId)
        await close(session)
      }
    },
    forgetAll: (): void => {
      for (const session of sessions.values())
        close(session).catch((err: unknown) => log.debug({ err }, 'a screen was not closed'))
      sessions.clear()
    },
  }
}
export type ScreenTable = ReturnType<typeof createScreenTable>
