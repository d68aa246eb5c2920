import type { Group } from './group-writer.ts'
import { encodeHead, headBytes, type SpoolEntry } from './record.ts'

/**
 * `encode` is called when the group is put together, in the order of the calls of the same `lane`: what it answers is
 * written, so a chain of hashes may be advanced in it. Null: there is nothing to write any more. `hintBytes`: about its
 * size. `useReserve`: the end of a session, for which there is always room. No `lane`: that of all who name none.
 */
export type AppendRequest = {
  lane?: string
  hintBytes: number
  useReserve?: boolean
  encode: () => SpoolEntry | null
}

export type Waiting = AppendRequest & { queuedAtMs: number; settle: PromiseWithResolvers<void> }

export type AppendQueue = {
  readonly bytes: number
  readonly first: Waiting | undefined
  add(request: AppendRequest): Promise<void>
  /** Takes the waiting, up to about `maxBytes`, from all lanes in turn and what is small first; always at least one. */
  take(position: number, opensWith: SpoolEntry | null, maxBytes: number): { group: Group; taken: Waiting[] }
  /** Refuses what waits: all of it, or what may not use the reserve. */
  refuse(error: Error, alsoReserved: boolean): void
}

const mostSmallBytes = 32 * 1024 // what people type and events; a flood comes in whole batches

export const createAppendQueue = (): AppendQueue => {
  let lanes = new Map<string | undefined, Waiting[]>() // none is empty; whose turn comes next is first
  let bytes = 0

  const encodeNext = (item: Waiting): SpoolEntry | null => {
    try {
      return item.encode()
    } catch (error) {
      item.settle.reject(error)
      return null
    }
  }
  const takeFirst = (lane: string | undefined, items: Waiting[]): Waiting => {
    const item = items.shift()!
    lanes.delete(lane)
    if (items.length > 0) lanes.set(lane, items)
    bytes -= item.hintBytes
    return item
  }
  const next = (smallBytes: number): Waiting | undefined => {
    for (const [lane, items] of lanes) if (items[0]!.hintBytes <= smallBytes) return takeFirst(lane, items)
    for (const [lane, items] of lanes) return takeFirst(lane, items)
    return undefined
  }
  const put = (item: Waiting): void => {
    const items = lanes.get(item.lane)
    if (items) items.push(item)
    else lanes.set(item.lane, [item])
    bytes += item.hintBytes
  }
  return {
    get bytes() {
      return bytes
    },
    get first() {
      return lanes.values().next().value?.[0]
    },
    add: (request) => {
      const settle = Promise.withResolvers<void>()
      put({ ...request, queuedAtMs: performance.now(), settle })
      return settle.promise
    },
    take: (position, opensWith, maxBytes) => {
      const group: Group = { position, opens: opensWith !== null, buffers: [], bytes: 0 }
      const write = (entry: SpoolEntry): void => {
        group.buffers.push(encodeHead(entry, position + group.bytes, position), entry.body)
        group.bytes += headBytes + entry.body.byteLength
      }
      const taken: Waiting[] = []
      const smallBytes = Math.min(mostSmallBytes, maxBytes / 4)
      // By the hints as well: what is compressed while it is taken keeps everything else waiting.
      for (let hintBytes = 0; group.bytes < maxBytes && hintBytes < maxBytes; ) {
        const item = next(hintBytes < maxBytes / 2 ? smallBytes : 0)
        if (!item) break
        taken.push(item)
        hintBytes += item.hintBytes
        const entry = encodeNext(item)
        if (entry === null) continue
        if (opensWith && group.bytes === 0) write(opensWith)
        write(entry)
      }
      return { group, taken }
    },
    refuse: (error, alsoReserved) => {
      const all = [...lanes.values()].flat()
      lanes = new Map()
      bytes = 0
      for (const item of all) {
        if (item.useReserve && !alsoReserved) put(item)
        else item.settle.reject(error)
      }
    },
  }
}
