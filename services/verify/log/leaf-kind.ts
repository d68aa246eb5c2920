import { eventPrefixOf, parseSessionKey } from '../../recordings/format/evidence-keys.ts'
import { actGroupOf } from '../acts.ts'
import { statementGroupOf } from '../statements.ts'

/** Which leaf an object of evidence has. Of blocks of events some have none: docs/transparency-log.md says which. */
export const leafKindOf = (key: string): 'manifest' | 'act' | 'events' | 'statement' | null => {
  if (parseSessionKey(key)?.kind === 'manifest') return 'manifest'
  if (eventPrefixOf(key) !== null) return 'events'
  if (statementGroupOf(key) !== null) return 'statement'
  return actGroupOf(key) === null ? null : 'act'
}
