/**
 * Whoever sends more than terminals show reads by turns, a share each, and all of them stop while much waits for the
 * disk: one flood, or a hundred, must not keep the few bytes of others waiting.
 */
export type Turns = {
  /** `go`: it is its turn again. `pendingBytes`: what it gave and is not durable yet. */
  join(go: () => void, pendingBytes: () => number): Turn
}

export type Turn = {
  /** It waits for its turn: nothing more is to be read. */
  readonly waits: boolean
  /** So much was read. */
  spend(bytes: number): void
  /** It takes no more part, and waits for nothing. */
  leave(): void
}

const shareBytes = 256 * 1024 // about a batch
const firstBytes = 32 * 1024 // before the first turn: a login; hundreds may come at once
const freeBytesPerMs = 512 // what a session may send without ever waiting: half a megabyte a second
const mostPendingBytes = 16 * 1024 * 1024
const lookAgainMs = 5
const stuckMs = 250 // what is held elsewhere, by masking, must not stop everybody for good

export const createTurns = (now: () => number = () => performance.now()): Turns => {
  const pending = new Set<() => number>()
  const queue = new Set<() => void>()
  let isScheduled = false
  let servedAtMs = now()

  const isMuchPending = (): boolean => {
    let bytes = 0
    for (const each of pending) bytes += each()
    return bytes > mostPendingBytes
  }
  const schedule = (): void => {
    if (isScheduled || queue.size === 0) return
    isScheduled = true
    setImmediate(serve)
  }
  // One at a time: between two of them the loop looks after everybody else.
  const serve = (): void => {
    isScheduled = false
    const [next] = queue
    if (!next) return
    if (isMuchPending() && now() - servedAtMs < stuckMs) {
      isScheduled = true
      setTimeout(serve, lookAgainMs)
      return
    }
    servedAtMs = now()
    next()
    schedule()
  }

  return {
    join: (go, pendingBytes) => {
      let leftBytes = firstBytes
      let spentAtMs = now()
      pending.add(pendingBytes)
      const goOn = (): void => {
        queue.delete(goOn)
        leftBytes = shareBytes
        go()
      }
      return {
        get waits() {
          return queue.has(goOn)
        },
        spend: (bytes) => {
          const nowMs = now()
          leftBytes = Math.min(shareBytes, leftBytes + (nowMs - spentAtMs) * freeBytesPerMs) - bytes
          spentAtMs = nowMs
          if (leftBytes > 0) return
          queue.add(goOn)
          schedule()
        },
        leave: () => {
          queue.delete(goOn)
          pending.delete(pendingBytes)
        },
      }
    },
  }
}
