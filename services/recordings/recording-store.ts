/**
 * Where evidence lives. There is no delete and no overwrite here, on purpose: the only destructive calls of the
 * product are keys.destroy, views.delete and the dispose command.
 *
 * Keys: `evidence/v0/…`, `evidence/v1/…` or `log/v1/…`, segments of [A-Za-z0-9._-]{1,200} joined by `/`, at most 900 characters, no `.` or `..`.
 */
export type StoredObject = { key: string; sizeBytes: number; retainUntil: Date | null; storedAt: Date }

export type RecordingWriter = {
  /**
   * Resolves after the bytes are durable and read back by size.
   * @throws BTZ_RECORDING_EXISTS if the key was ever written, also by someone else at the same moment
   * @throws BTZ_RECORDING_KEY_INVALID BTZ_DISK_FULL BTZ_UNAVAILABLE (put again: an attempt that landed is found as EXISTS)
   * @throws BTZ_RECORDING_UNLOCKED BTZ_RETENTION_TOO_LONG BTZ_CLOCK_SKEW from a store that locks
   */
  put(key: string, bytes: Uint8Array, options: { retainUntil: Date }): Promise<StoredObject>
  /** Never shortens: an earlier date than the present one has no effect. */
  extendRetention(key: string, retainUntil: Date): Promise<void>
}

export type RecordingReader = {
  /** The whole object or `length` bytes from `start`; a negative `start` counts from the end. @throws BTZ_RECORDING_NOT_FOUND */
  get(key: string, range?: { start: number; length: number }): Promise<Uint8Array>
  head(key: string): Promise<StoredObject | null>
  /** In key order, at most `limit`, only keys after `after`. */
  list(prefix: string, options: { after?: string; limit: number }): Promise<StoredObject[]>
}

export type RecordingStore = RecordingWriter &
  RecordingReader & {
    /** For the log and `doctor`: what this store can promise, and what it cannot, in plain words. */
    promise(): string
    close(): Promise<void>
  }
