const secondLength = 'YYYY-MM-DDTHH:MM:SS.'.length

/** Times as RFC 3339 in UTC; lines of one second follow each other. */
export const createTimeText = (): ((ms: number) => string) => {
  let second = Number.NaN
  let text = ''
  return (ms) => {
    const fraction = ms % 1000
    if (ms - fraction !== second) {
      second = ms - fraction
      text = new Date(second).toISOString().slice(0, secondLength)
    }
    return `${text}${String(fraction).padStart(3, '0')}Z`
  }
}
