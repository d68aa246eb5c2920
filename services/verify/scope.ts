import { actsPrefix } from '../custody/act-format.ts'
import { evidenceFolder } from '../recordings/recording-key.ts'
import type { StoredObject } from '../recordings/recording-store.ts'
import { type EvidenceSource, listObjects } from './read-objects.ts'
import { groupOf, prefixesOf } from './v0/verify-group.ts'

/** What to verify: everything below a prefix, or one session wherever it stands. */
export type Scope = { prefix: string } | { sessionId: string }

export const isEverything = (scope: Scope): boolean =>
  'prefix' in scope && `${evidenceFolder}/`.startsWith(scope.prefix)

async function* ofSession(source: EvidenceSource, sessionId: string): AsyncGenerator<StoredObject> {
  let isThere = false
  for (const prefix of prefixesOf(sessionId)) {
    for await (const object of listObjects(source, prefix)) {
      isThere = true
      yield object
    }
  }
  // Else the clock of its bastion was elsewhere.
  if (!isThere)
    for await (const object of listObjects(source, `${evidenceFolder}/`))
      if (groupOf(object.key)?.endsWith(`/${sessionId}/`)) yield object
  yield* listObjects(source, actsPrefix(sessionId))
}

/** In key order, but the acts about a session after the rest of it. */
export const objectsOf = (source: EvidenceSource, scope: Scope): AsyncGenerator<StoredObject> =>
  'prefix' in scope ? listObjects(source, scope.prefix) : ofSession(source, scope.sessionId)

export const isInScope = (key: string, scope: Scope): boolean =>
  'prefix' in scope
    ? key.startsWith(scope.prefix)
    : key.startsWith(actsPrefix(scope.sessionId)) || groupOf(key)?.endsWith(`/${scope.sessionId}/`) === true
