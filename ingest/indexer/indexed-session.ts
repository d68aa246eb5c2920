import type { SessionState as StateName } from '#services/schema/session.ts'
import type { NumberedCommand } from './open-commands.ts'
import { newOrderedSession, type OrderedSession, waitAgain } from './ordering.ts'
import type { SessionState } from './session-state.ts'

/** A session between two writes to the catalog. */
export type IndexedSession = OrderedSession & {
  state: SessionState | null // null: no batch of it was ever indexed
  stands: StateName | null // in the catalog's ledger; null: not there
  commands: Map<number, NumberedCommand> // changed since the last write
}

export const newIndexedSession = (sessionId: string): IndexedSession => ({
  ...newOrderedSession(sessionId),
  state: null,
  stands: null,
  commands: new Map(),
})

/** What was applied could not be written: it waits, to be applied again to what the catalog has. */
export const takeBack = (session: IndexedSession): void => {
  waitAgain(session)
  Object.assign(session, { state: null, stands: null })
  session.commands.clear()
}
