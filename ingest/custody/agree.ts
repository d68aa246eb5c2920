import { isDue } from '#services/custody/custody.ts'
import { writeAct } from '#services/custody/write-act.ts'
import { hasCode } from '#services/errors.ts'
import { parseSessionKey } from '#services/recordings/format/evidence-keys.ts'
import type { Custody } from '#services/schema/custody.ts'
import { prefixesOf } from '#services/verify/v0/verify-group.ts'
import type { CustodyContext } from './context.ts'
import { nextWaitMs, type Wanted, wantedOf } from './plan.ts'

/** What this process saw of a session: which keys stand as `target` wants, and when to look for more. */
type Seen = { target: string; keys: Set<string>; dueMs: number; waitMs: number }
const mostSeen = 2_000 // sessions; of others everything is looked at again

const keysOf = async function* ({ holds, catalog }: CustodyContext, sessionId: string) {
  // A clock that jumped while the session began leads elsewhere: only the catalog knows where.
  const known = (await catalog.blocks(sessionId)).map(({ key }) => parseSessionKey(key)?.prefix)
  const prefixes = new Set([...prefixesOf(sessionId), ...known])
  for (const prefix of prefixes) if (prefix !== undefined) yield* holds.keys(prefix)
}

const set = async ({ holds }: CustodyContext, key: string, { held, until }: Wanted): Promise<void> => {
  try {
    await holds.setHold(key, held)
    if (until !== null) await holds.extendRetention(key, until)
  } catch (error) {
    if (!hasCode(error, 'BTZ_RECORDING_NOT_FOUND')) throw error // disposed of since it was listed
  }
}

/**
 * Makes all objects of a session stand as people decided, also those that came since, and writes the acts about it: that
 * of a hold or a longer retention when the store agrees, that of a release before the store lets go. Does the rest of
 * what a crash cut short.
 */
export const createAgree = (ctx: CustodyContext) => {
  const { custody: desk, clock, acts } = ctx
  const seen = new Map<string, Seen>()

  const remember = (sessionId: string, now: Seen): void => {
    seen.delete(sessionId)
    seen.set(sessionId, now)
    if (seen.size > mostSeen) seen.delete(seen.keys().next().value!)
  }
  const look = async (sessionId: string, wanted: Wanted, before: Seen | undefined): Promise<void> => {
    const target = `${wanted.held} ${wanted.until?.toISOString()}`
    const keys = before?.target === target ? before.keys : new Set<string>()
    const sizeBefore = keys.size
    for await (const key of keysOf(ctx, sessionId)) {
      if (keys.has(key)) continue
      await set(ctx, key, wanted)
      keys.add(key)
    }
    const waitMs = nextWaitMs(before?.waitMs ?? 0, keys.size > sizeBefore)
    remember(sessionId, { target, keys, waitMs, dueMs: clock.now() + waitMs })
  }
  const isTime = (sessionId: string, wanted: Wanted): boolean => {
    if (!wanted.held && wanted.until === null) return false
    const before = seen.get(sessionId)
    if (before?.target !== `${wanted.held} ${wanted.until?.toISOString()}`) return true
    return clock.now() >= before.dueMs || clock.now() < before.dueMs - before.waitMs
  }

  return async (custody: Custody): Promise<void> => {
    const { sessionId, holds, retention } = custody
    const wanted = wantedOf(custody, clock.now())
    const due = isDue(custody)
    if (!due && !isTime(sessionId, wanted)) return
    const ended = holds.flatMap(({ lifted }) => (lifted?.appliedAt === null ? [lifted.act] : []))
    const begun = [...holds, ...(retention ? [retention] : [])].filter(({ appliedAt }) => appliedAt === null)
    for (const act of ended) await writeAct(acts, act)
    // When something was decided everything is looked at: a round of another process may have undone what was seen.
    await look(sessionId, wanted, due ? undefined : seen.get(sessionId))
    for (const { act } of begun) await writeAct(acts, act)
    for (const { id } of [...begun.map(({ act }) => act), ...ended]) await desk.applied(sessionId, id)
  }
}
