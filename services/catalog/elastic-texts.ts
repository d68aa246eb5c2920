import type { SearchKind } from '../schema/search-query.ts'
import type { Command } from '../schema/session.ts'
import type { SessionEvent } from '../schema/session-event.ts'
import type { SessionRow } from './catalog.ts'
import type { CatalogIndices } from './elastic-mappings.ts'
import { commandText, eventText, sessionText } from './search-text.ts'

/** Documents with a text: where they are, and the text itself, which they hold only as terms, and in their row. */
export type TextKind = SearchKind | 'sessions'

export const textIndex = (indices: CatalogIndices, kind: TextKind): string =>
  kind === 'screen' ? indices.screenTexts : indices[kind]

export type ScreenRow = { atMs: number; text: string }

export const rowText = (kind: TextKind, row: string): string => {
  const stored: unknown = JSON.parse(row)
  if (kind === 'commands') return commandText(stored as Command)
  if (kind === 'events') return eventText(stored as SessionEvent)
  return kind === 'screen' ? (stored as ScreenRow).text : sessionText(stored as SessionRow)
}
