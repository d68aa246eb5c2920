import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import { createSqliteStateStore } from '#services/state/sqlite-state-store.ts'
import type { StateStore } from '#services/state/state-store.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'

/** A store of this test's own, and how often it was asked. */
export const openState = async (
  t: ExecutionContext,
): Promise<{ state: StateStore; gets: () => number; file: string }> => {
  const file = join(await temporaryFolder(t), 'state.db')
  const store = await createSqliteStateStore({ file })
  t.teardown(() => store.close())
  let gets = 0
  const get: StateStore['get'] = (key) => {
    gets += 1
    return store.get(key)
  }
  return { state: { ...store, get }, gets: () => gets, file }
}

export const settableClock = (startMs = Date.parse('2026-03-01T12:00:00Z')) => {
  let nowMs = startMs
  return { now: () => nowMs, advance: (ms: number) => (nowMs += ms) }
}
