export const dayMs = 86_400_000

/** Days since 1970, as UTC counts them. */
export const dayOf = (timeMs: number): number => Math.floor(timeMs / dayMs)
