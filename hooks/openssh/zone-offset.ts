const hourMs = 3_600_000
const maxCached = 4096

/** Minutes behind the sign of `GMT+05:30`. */
const offsetMs = (name: string): number => {
  const match = /^GMT(?:([+-])(\d{2}):(\d{2}))?/.exec(name)
  if (!match?.[1]) return 0
  const ms = (Number(match[2]) * 60 + Number(match[3])) * 60_000
  return match[1] === '-' ? -ms : ms
}

/** What a zone's clocks are ahead of UTC at a moment, in ms; zones change at whole or half hours. @throws RangeError: no such zone */
export const createZoneOffset = (zone: string): ((atMs: number) => number) => {
  const format = new Intl.DateTimeFormat('en-US', { timeZone: zone, timeZoneName: 'longOffset' })
  const cached = new Map<number, number>()
  return (atMs) => {
    const slot = Math.floor(atMs / (hourMs / 4))
    const known = cached.get(slot)
    if (known !== undefined) return known
    const name = format.formatToParts(atMs).find(({ type }) => type === 'timeZoneName')
    const offset = offsetMs(name?.value ?? '')
    if (cached.size >= maxCached) cached.clear()
    cached.set(slot, offset)
    return offset
  }
}

const dayMs = 24 * hourMs

/**
 * UTC of what a clock on the wall shows (as if it were UTC). An hour that comes twice is the first one that is not
 * before `notBeforeMs`; one that never was is read with the offset before the change.
 */
export const toUtc = (offsetAt: (atMs: number) => number, wallMs: number, notBeforeMs: number): number => {
  const before = offsetAt(wallMs - dayMs)
  const after = offsetAt(wallMs + dayMs)
  if (before === after) return wallMs - before
  const candidates = [wallMs - before, wallMs - after]
    .filter((ms) => wallMs - ms === offsetAt(ms))
    .sort((a, b) => a - b)
  return candidates.find((ms) => ms >= notBeforeMs) ?? candidates.at(-1) ?? wallMs - before
}
