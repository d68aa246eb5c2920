import { gapEvent } from '#ingest/ledger/gap-event.ts'
import type { IndexerContext } from './context.ts'
import { type IndexedSession, newIndexedSession, takeBack } from './indexed-session.ts'
import { isAtRest, startFrom, touched } from './ordering.ts'
import { withLateness } from './session-row.ts'
import { loadState, saveState } from './session-state.ts'

const idleMs = 60_000
const maxKept = 5_000

/** The sessions of one partition that are in memory; the catalog has the rest. */
export const createSessionTable = (ctx: Pick<IndexerContext, 'bus' | 'catalog' | 'clock' | 'lateAfterMs'>) => {
  const { bus, catalog, clock, lateAfterMs = Number.POSITIVE_INFINITY } = ctx
  const sessions = new Map<string, IndexedSession>()

  const load = async (session: IndexedSession): Promise<void> => {
    const stored = await catalog.progress(session.sessionId)
    startFrom(session, stored?.nextSeq ?? 0)
    session.state = stored && loadState(stored.progress)
    session.stands = stored?.state ?? null
  }

  const write = async (session: IndexedSession): Promise<void> => {
    const { sessionId, applied, state, stands, commands } = session
    const [first, last] = [applied[0], applied.at(-1)]
    if (!first || !last || !state) return
    const row = withLateness(state.row, clock.now(), lateAfterMs)
    // Before it is in the catalog: a crash in between says it again, with the same id.
    const told = gapEvent(row, stands, clock.now())
    if (told)
      await bus.produce([{ topic: 'session-events', key: row.bastion, value: Buffer.from(JSON.stringify(told)) }])
    await catalog.indexFrames({
      sessionId,
      fromSeq: first.batch.batchSeq,
      nextSeq: last.batch.batchSeq + 1,
      progress: saveState(state),
      session: row,
      commands: [...commands.values()],
    })
    session.stands = row.state
  }

  /** Into the catalog, all but one. @throws what a write threw, after what failed was taken back */
  const writeAll = async (except: IndexedSession | null = null): Promise<void> => {
    const changed = [...sessions.values()].filter((session) => session !== except && session.applied.length > 0)
    const done = await Promise.allSettled(changed.map(write))
    for (const [index, session] of changed.entries()) {
      if (done[index]!.status === 'rejected') takeBack(session)
      session.applied = []
      session.commands.clear()
    }
    for (const one of done) if (one.status === 'rejected') throw one.reason
  }

  return {
    all: () => [...sessions.values()],
    get: (sessionId: string): IndexedSession =>
      touched(sessions, sessions.get(sessionId) ?? newIndexedSession(sessionId), clock.now()),
    load,
    writeAll,
    forgetIdle: (): void => {
      const nowMs = clock.now()
      for (const session of sessions.values()) {
        const isIdle = Math.abs(nowMs - session.touchedAtMs) >= idleMs || sessions.size > maxKept
        if (isIdle && isAtRest(session)) sessions.delete(session.sessionId)
      }
    },
    forgetAll: () => sessions.clear(),
  }
}
export type SessionTable = ReturnType<typeof createSessionTable>
