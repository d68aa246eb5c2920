/** Keys of sessions and of a bastion's day. Never in the locked store; destroying one is erasure. */
export type KeyStore = {
  /**
   * The 32-byte key of `id`; makes it (durably, before returning) when there never was one.
   * Two callers at once get the same key. @throws BTZ_KEY_DESTROYED BTZ_KEY_INVALID BTZ_DISK_FULL
   */
  obtain(id: KeyId): Promise<Uint8Array>
  /** @throws BTZ_KEY_NOT_FOUND BTZ_KEY_DESTROYED BTZ_KEY_INVALID */
  get(id: KeyId): Promise<Uint8Array>
  /** For good; a tombstone stays so that `obtain` never makes another key for the same id. */
  destroy(id: KeyId, why: { reason: string; actor: string; at: Date }): Promise<void>
  close(): Promise<void>
}

/** `session:<session id>` or `bastion:<bastion>:<YYYY-MM-DD>` (records without a session). */
export type KeyId = `session:${string}` | `bastion:${string}:${string}`
