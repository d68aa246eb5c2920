import type { IndexerContext } from './context.ts'
import { mayBeNested, type ParentCandidate, parentOf } from './parent.ts'
import { loadState, type SessionState } from './session-state.ts'

/** Asks the catalog for the session this one was started in, and puts it into its row. */
export const findParent = async ({ catalog }: Pick<IndexerContext, 'catalog'>, state: SessionState): Promise<void> => {
  const { connectionId } = state.row
  if (connectionId === null || !mayBeNested(state)) return
  const sessions: ParentCandidate[] = []
  for (const session of await catalog.connectionSessions(connectionId)) {
    if (!session.recorded) continue
    const stored = state.sshTty === null ? await catalog.progress(session.id) : null
    sessions.push({ ...session, sudoAtMs: stored ? loadState(stored.progress).sudoAtMs : [] })
  }
  state.row.parentId = parentOf(state, sessions)
}
