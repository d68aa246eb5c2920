/** Numbers and lists as explanations say them. */

export const plural = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`

export const span = (ms: number): string => {
  if (ms < 90_000) return plural(Math.round(ms / 1_000), 'second')
  if (ms < 90 * 60_000) return plural(Math.round(ms / 60_000), 'minute')
  return ms < 48 * 3_600_000 ? plural(Math.round(ms / 3_600_000), 'hour') : plural(Math.round(ms / 86_400_000), 'day')
}

const shownLength = 80
const shown = (text: string): string => (text.length <= shownLength ? text : `${text.slice(0, shownLength)}…`)

export const listed = (items: readonly string[], max = 5): string => {
  const more = items.length - max
  return items.slice(0, max).map(shown).join(', ') + (more > 0 ? ` and ${more} more` : '')
}

const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB']
export const bytes = (size: number): string => {
  const power = size < 1_000 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(size) / 3))
  const value = size / 1_000 ** power
  return `${value < 10 && power > 0 ? value.toFixed(1) : Math.round(value)} ${units[power]}`
}
