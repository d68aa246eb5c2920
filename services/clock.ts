/** Wall clock in Unix ms; given to everything that decides by time, so that tests can hold it. */
export type Clock = { now(): number }
export const systemClock: Clock = { now: () => Date.now() }
