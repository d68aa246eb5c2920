/** What only people made and evidence cannot rebuild: users, tokens, notes, triage, suppressions; snapshots, leases. */
export type StateEntry = { key: string; value: unknown; revision: number }

export type StateStore = {
  get(key: string): Promise<StateEntry | null>
  /**
   * `ifRevision`: 0 = only if the key does not exist, n = only if it stands at n, absent = always.
   * Durable when resolved. @returns the new revision @throws BTZ_STATE_CONFLICT
   */
  put(key: string, value: unknown, options?: { ifRevision?: number }): Promise<number>
  /** @throws BTZ_STATE_CONFLICT */
  delete(key: string, options?: { ifRevision?: number }): Promise<void>
  /** In key order. */
  list(prefix: string, options: { after?: string; limit: number }): Promise<StateEntry[]>
  /** Of values that were replaced or deleted no byte stays in the files. May take long. @throws BTZ_UNAVAILABLE */
  expunge(): Promise<void>
  close(): Promise<void>
}
