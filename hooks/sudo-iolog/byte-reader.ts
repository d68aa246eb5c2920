import { createByteQueue } from '#hooks/byte-queue.ts'

/** Reads a stream of bytes as its reader needs them; holds one chunk of it. */
export type ByteReader = {
  /** At most so many; fewer only at the end. */
  read(count: number): Promise<Buffer>
  /** Null: there is no more. One that is longer than `maxChars`, or has no line end, is not `whole`. */
  line(maxChars: number): Promise<{ text: string; whole: boolean } | null>
  close(): Promise<void>
}

const newline = 10

export const createByteReader = (chunks: AsyncIterable<Buffer>): ByteReader => {
  const iterator = chunks[Symbol.asyncIterator]()
  const queue = createByteQueue()
  let lines: string[] = []
  let rest = ''
  let isOver = false

  const more = async (): Promise<Buffer | null> => {
    const next = isOver ? null : await iterator.next()
    if (next !== null && !next.done) return next.value
    isOver = true
    return null
  }
  return {
    read: async (count) => {
      while (queue.length < count) {
        const chunk = await more()
        if (chunk === null) break
        queue.push(chunk)
      }
      return queue.take(Math.min(count, queue.length)) ?? Buffer.alloc(0)
    },
    line: async (maxChars) => {
      while (lines.length === 0) {
        const chunk = await more()
        if (chunk === null || rest.length > maxChars) {
          const last = rest
          rest = ''
          return last === '' ? null : { text: last.slice(0, maxChars), whole: false }
        }
        const end = chunk.lastIndexOf(newline)
        if (end < 0) rest += chunk.toString('latin1', 0, Math.min(chunk.length, maxChars + 1))
        else {
          lines = `${rest}${chunk.toString('latin1', 0, end)}`.split('\n').reverse()
          rest = chunk.toString('latin1', end + 1)
        }
      }
      const text = lines.pop()!
      return { text: text.slice(0, maxChars), whole: text.length <= maxChars }
    },
    close: async () => {
      isOver = true
      await iterator.return?.()
    },
  }
}
