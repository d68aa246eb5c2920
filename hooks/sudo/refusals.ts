const everyMs = 10_000
const maxUids = 1024 // more than that are counted together as unknown

/** Counts refused peers per uid and says when a report is due: the first at once, then one per 10 s with the number. */
export type Refusals = {
  readonly total: number
  /** `uid` null: it could not be found out. */
  add(uid: number | null): void
  stop(): void
}

export const createRefusals = (report: (uid: number | null, attempts: number) => void): Refusals => {
  const open = new Map<number | null, { attempts: number; timer: NodeJS.Timeout }>()
  let total = 0

  const due = (uid: number | null): void => {
    const attempts = open.get(uid)?.attempts ?? 0
    open.delete(uid)
    if (attempts > 0) begin(uid, attempts)
  }
  const begin = (uid: number | null, attempts: number): void => {
    open.set(uid, { attempts: 0, timer: setTimeout(due, everyMs, uid) })
    report(uid, attempts)
  }

  return {
    get total() {
      return total
    },
    add: (uid) => {
      total += 1
      const key = open.size < maxUids || open.has(uid) ? uid : null
      const counting = open.get(key)
      if (counting) counting.attempts += 1
      else begin(key, 1)
    },
    stop: () => {
      for (const [uid, { attempts, timer }] of open) {
        clearTimeout(timer)
        if (attempts > 0) report(uid, attempts)
      }
      open.clear()
    },
  }
}
