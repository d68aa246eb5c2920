/** What a recording of text cannot tell of the bytes that a terminal got. */

/** Counts U+FFFD, which stands where bytes were no UTF-8. */
export const createTextLoss = () => {
  let replaced = 0
  let firstMs = 0
  return {
    add: (count: number, atMs: number): void => {
      if (replaced === 0 && count > 0) firstMs = atMs
      replaced += count
    },
    /** For a person. */
    text: (): string =>
      replaced === 0
        ? 'bytes that were no UTF-8 would show as U+FFFD'
        : `characters U+FFFD, which bytes that were no UTF-8 became: ${replaced}, the first at ${firstMs} ms`,
  }
}
