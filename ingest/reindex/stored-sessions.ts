import { parseSessionKey } from '#services/recordings/format/evidence-keys.ts'
import { listObjects } from '#services/verify/read-objects.ts'
import type { ReindexContext, Scope } from './context.ts'

export type StoredSession = {
  sessionId: string
  prefix: string
  blocks: { key: string; sizeBytes: number }[]
  manifests: string[]
}

const isIn = ({ sessionId, prefix }: StoredSession, scope: Scope): boolean => {
  const date = prefix.split('/')[2]!
  if (scope.sessionId !== undefined && scope.sessionId !== sessionId) return false
  return date >= (scope.from ?? '') && date <= (scope.to ?? '9999')
}

const newSession = (prefix: string): StoredSession => ({
  sessionId: prefix.split('/')[3]!,
  ...{ prefix, blocks: [], manifests: [] },
})

/** Sessions as they stand in evidence, by format, day and id. `after`: only those behind that prefix. */
export async function* storedSessions(
  { recordings }: Pick<ReindexContext, 'recordings'>,
  scope: Scope,
  after: string | null,
): AsyncGenerator<StoredSession> {
  const held: StoredSession[] = [] // the one whose keys come now
  for await (const { key, sizeBytes } of listObjects(
    recordings,
    'evidence/',
    after === null ? undefined : `${after}~`,
  )) {
    const parsed = parseSessionKey(key)
    if (parsed === null) continue
    if (parsed.prefix !== held[0]?.prefix)
      yield* held.splice(0, 1, newSession(parsed.prefix)).filter((one) => isIn(one, scope))
    const [session] = held
    if (parsed.kind === 'block') session?.blocks.push({ key, sizeBytes })
    else session?.manifests.push(key)
  }
  yield* held.filter((one) => isIn(one, scope))
}
