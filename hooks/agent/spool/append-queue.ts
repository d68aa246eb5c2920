import type { Group } from './group-writer.ts'
import { encodeHead, headBytes, type SpoolEntry } from './record.ts'

/**
 * `encode` is called when the group is put together, in the order of the calls: what it answers is written, so a chain
 * of hashes may be advanced in it. Null: there is nothing to write any more. `hintBytes`: about its size.
 * `useReserve`: the end of a session, for which there is always room.
 */
export type AppendRequest = { hintBytes: number; useReserve?: boolean; encode: () => SpoolEntry | null }

export type Waiting = AppendRequest & { queuedAtMs: number; settle: PromiseWithResolvers<void> }

export type AppendQueue = {
  readonly bytes: number
  readonly first: Waiting | undefined
  add(request: AppendRequest): Promise<void>
  /** Takes the waiting, up to about `maxBytes`; always at least one. */
  take(position: number, opensWith: SpoolEntry | null, maxBytes: number): { group: Group; taken: Waiting[] }
  /** Refuses what waits: all of it, or what may not use the reserve. */
  refuse(error: Error, alsoReserved: boolean): void
}

export const createAppendQueue = (): AppendQueue => {
  let waiting: Waiting[] = []
  let bytes = 0

  const encodeNext = (item: Waiting): SpoolEntry | null => {
    try {
      return item.encode()
    } catch (error) {
      item.settle.reject(error)
      return null
    }
  }
  return {
    get bytes() {
      return bytes
    },
    get first() {
      return waiting[0]
    },
    add: (request) => {
      const settle = Promise.withResolvers<void>()
      waiting.push({ ...request, queuedAtMs: performance.now(), settle })
      bytes += request.hintBytes
      return settle.promise
    },
    take: (position, opensWith, maxBytes) => {
      const group: Group = { position, opens: opensWith !== null, buffers: [], bytes: 0 }
      const put = (entry: SpoolEntry): void => {
        group.buffers.push(encodeHead(entry, position + group.bytes, position), entry.body)
        group.bytes += headBytes + entry.body.byteLength
      }
      let count = 0
      for (; count < waiting.length && group.bytes < maxBytes; count++) {
        const entry = encodeNext(waiting[count]!)
        if (entry === null) continue
        if (opensWith && group.bytes === 0) put(opensWith)
        put(entry)
      }
      const taken = waiting.slice(0, count)
      waiting = waiting.slice(count)
      for (const { hintBytes } of taken) bytes -= hintBytes
      return { group, taken }
    },
    refuse: (error, alsoReserved) => {
      const [stay, go] = [[], []] as [Waiting[], Waiting[]]
      for (const item of waiting) (item.useReserve && !alsoReserved ? stay : go).push(item)
      waiting = stay
      for (const item of go) {
        bytes -= item.hintBytes
        item.settle.reject(error)
      }
    },
  }
}
