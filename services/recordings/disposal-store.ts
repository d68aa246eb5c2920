/** One version of an object, as it stands now. `versionId`: null where a store keeps one version only. */
export type StoredVersion = {
  key: string
  versionId: string | null
  sizeBytes: number
  /** Says that the key is gone, and hides the versions under it; holds nothing itself. */
  isMarker: boolean
  /** Null: it is not locked. */
  retainedUntil: Date | null
  /** Only told of what is past its date. */
  isHeld: boolean
}

/**
 * What `bartizan dispose` works on, and nothing else of the product: the only way in which evidence goes. Each call @throws
 * BTZ_RECORDINGS_MISCONFIGURED BTZ_UNAVAILABLE
 */
export type DisposalStore = {
  /** A time that is surely past for the store, too. @throws BTZ_CLOCK_SKEW when its clock and ours are over 60 s apart */
  surelyPastMs(): Promise<number>
  /** All versions of each key with this prefix, keys in order. */
  versions(prefix: string): AsyncIterable<StoredVersion[]>
  /** All versions of one key; none: it is gone. */
  look(key: string): Promise<StoredVersion[]>
  /** Exactly this version, for good. Again: nothing. */
  remove(version: Pick<StoredVersion, 'key' | 'versionId'>): Promise<void>
  close(): Promise<void>
}
