/** `value`: its JSON. */
export type ImageEntry = { key: string; value: string }

/** The state store as a whole. */
export type StateImage = {
  /** How it stood at one moment, whatever is written meanwhile. In key order. */
  entries(): AsyncIterable<ImageEntry>
  /** The highest revision that was given out. */
  lastRevision(): Promise<number>
  count(): Promise<number>
  /**
   * What stands is replaced by these, at once at the end: killed before, the old state stands whole. Revisions begin after
   * `afterRevision` where the store can do so. @returns how many @throws BTZ_STATE_CONFLICT somebody wrote meanwhile
   */
  replace(entries: AsyncIterable<ImageEntry>, afterRevision: number): Promise<number>
  close(): Promise<void>
}
