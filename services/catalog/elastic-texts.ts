import type { Alert } from '../schema/alert.ts'
import type { Command } from '../schema/session.ts'
import type { SessionEvent } from '../schema/session-event.ts'
import type { SessionRow } from './catalog.ts'
import type { CatalogIndices } from './elastic-mappings.ts'
import { alertText, commandText, eventText, sessionText } from './search-text.ts'

/** Documents with a text: where they are, and the text itself, which they hold only as terms, and in their row. */
export const textKinds = ['commands', 'screen', 'events', 'sessions', 'alerts'] as const
export type TextKind = (typeof textKinds)[number]

export const textIndex = (indices: CatalogIndices, kind: TextKind): string =>
  kind === 'screen' ? indices.screenTexts : indices[kind]

export type ScreenRow = { atMs: number; text: string }

export const rowText = (kind: TextKind, row: string): string => {
  const stored: unknown = JSON.parse(row)
  if (kind === 'commands') return commandText(stored as Command)
  if (kind === 'events') return eventText(stored as SessionEvent)
  if (kind === 'alerts') return alertText(stored as Alert)
  return kind === 'screen' ? (stored as ScreenRow).text : sessionText(stored as SessionRow)
}
