/**
 * What a custodian does to evidence: hold it, let go of it, keep it longer. No content is read here and nothing written.
 * A held object stands whatever its date says; a date only grows.
 */
export type HoldStore = {
  /** Every key with this prefix, in key order. */
  keys(prefix: string): AsyncIterable<string>
  /**
   * On, or off, for every version that stands under the key now. Durable when resolved; again: nothing.
   * @throws BTZ_RECORDING_NOT_FOUND BTZ_RECORDING_KEY_INVALID BTZ_RECORDINGS_MISCONFIGURED BTZ_UNAVAILABLE
   */
  setHold(key: string, on: boolean): Promise<void>
  /** Whether every version under the key is held. @throws as setHold */
  isHeld(key: string): Promise<boolean>
  /** Every version that is locked; an earlier date than the present one has no effect. @throws as setHold, BTZ_RETENTION_TOO_LONG BTZ_CLOCK_SKEW */
  extendRetention(key: string, retainUntil: Date): Promise<void>
  close(): Promise<void>
}
