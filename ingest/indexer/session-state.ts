import type { SessionRow } from '#services/catalog/catalog.ts'
import { BartizanError } from '#services/errors.ts'
import { type Commands, newCommands } from './commands.ts'
import { fromVersion1, type Version1 } from './earlier-state.ts'
import { newTypedLines, type TypedLines } from './typed/typing.ts'

/** What the indexer knows of a session between two batches; small, and kept with the session's row as `progress`. */
export type SessionState = {
  version: 2
  row: SessionRow
  sshTty: string | null // the terminal that sshd gave the login
  sudoAtMs: number[] // when it executed sudo, Unix ms, the latest few
  gaps: string[] // what is missing, for a person
  commands: Commands
  typed: TypedLines | null // null: the session has no terminal
  sessionCommand: boolean // what was started is a command by itself, no shell to type in
}

export const newSessionState = (
  row: SessionRow,
  more: Pick<SessionState, 'sshTty' | 'sessionCommand'>,
): SessionState => ({
  version: 2,
  row,
  sudoAtMs: [],
  gaps: [],
  commands: newCommands(),
  typed: row.tty === null ? null : newTypedLines(row.cols),
  ...more,
})

export const saveState = (state: SessionState): string => JSON.stringify(state)

/** @throws BTZ_INTERNAL for what another version of Bartizan wrote */
export const loadState = (progress: string): SessionState => {
  const state = JSON.parse(progress) as SessionState | Version1
  if (state.version === 2) return state
  if (state.version === 1) return fromVersion1(state)
  const { version } = state as { version: unknown }
  throw new BartizanError('BTZ_INTERNAL', `the catalog keeps a session's progress in form ${version}`)
}
