import { newTally, type ReindexContext, type Scope, type Tally } from './context.ts'
import { createDerivation, type Derivation } from './derivation.ts'
import { createProgress } from './progress.ts'
import { reindexEvents } from './reindex-events.ts'
import { reindexSession } from './reindex-session.ts'
import { storedSessions } from './stored-sessions.ts'

type Progress = Awaited<ReturnType<typeof createProgress>>

const reindexSessions = async (ctx: ReindexContext, derivation: Derivation, scope: Scope, progress: Progress) => {
  const { saved } = progress
  for await (const session of storedSessions(ctx, scope, saved.after)) {
    await reindexSession(ctx, derivation, saved.tally, scope, session)
    saved.after = session.prefix
    ctx.tell(saved.tally)
    await progress.saveSometimes()
  }
  saved.sessionsDone = true
  await progress.save()
}

/** Sessions first: the ledger asks which of them there are. */
const reindexAll = async (ctx: ReindexContext, derivation: Derivation, scope: Scope, progress: Progress) => {
  const { saved } = progress
  if (!saved.sessionsDone) await reindexSessions(ctx, derivation, scope, progress)
  if (scope.viewsOnly || scope.sessionId !== undefined) return
  const onDone = async (prefix: string): Promise<void> => {
    saved.eventsDone.push(prefix)
    await progress.save()
  }
  const rest = { done: saved.eventsDone, onDone }
  await reindexEvents(ctx, derivation.eventWorker(), saved.tally, scope, { kind: 'session-events', ...rest })
  await reindexEvents(ctx, derivation.alertWorker(), saved.tally, scope, { kind: 'alerts', ...rest })
}

/**
 * Derives catalog and views anew from evidence: what is missing in the catalog comes back, views are replaced. Emits nothing.
 * Ended at any moment, the next call with the same scope goes on.
 * @returns what was done, of all calls together
 */
export const reindex = async (ctx: ReindexContext, scope: Scope): Promise<Tally> => {
  const progress = await createProgress(ctx.state, scope, newTally())
  const { tally } = progress.saved
  if (progress.isResumed) ctx.log.info({ ...tally }, 'goes on where the one before was ended')
  const derivation = createDerivation(ctx, tally)
  try {
    await reindexAll(ctx, derivation, scope, progress)
    await progress.end()
    return tally
  } finally {
    await derivation.close()
  }
}
