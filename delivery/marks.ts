import type { StateStore } from '#services/state/state-store.ts'
import { Mark } from './mark.ts'

const maxCached = 5_000
const page = 1_000
const keptMs = 30 * 86_400_000

export type Marks = {
  get(alertId: string): Promise<Mark | null>
  store(marks: Record<string, Mark>): Promise<void>
  /** Those of alerts that have said nothing for long. */
  prune(nowMs: number): Promise<void>
}

/** What a notifying destination remembers of alerts, in the state store; the latest ones in memory too. */
export const createMarks = (state: StateStore, prefix: string): Marks => {
  const cached = new Map<string, Mark | null>()
  const hold = (alertId: string, mark: Mark | null): void => {
    cached.delete(alertId)
    cached.set(alertId, mark)
    if (cached.size > maxCached) cached.delete(cached.keys().next().value!)
  }
  return {
    get: async (alertId) => {
      const known = cached.get(alertId)
      if (known !== undefined) return known
      const entry = await state.get(prefix + alertId)
      const mark = entry === null ? null : Mark.parse(entry.value)
      hold(alertId, mark)
      return mark
    },
    store: async (marks) => {
      for (const [alertId, mark] of Object.entries(marks)) {
        await state.put(prefix + alertId, mark)
        hold(alertId, mark)
      }
    },
    prune: async (nowMs) => {
      const oldest = new Date(nowMs - keptMs).toISOString().slice(0, 10)
      for (let after = ''; ; ) {
        const entries = await state.list(prefix, { limit: page, ...(after && { after }) })
        const stale = entries.filter(({ value }) => (Mark.safeParse(value).data?.seenDay ?? '') < oldest)
        for (const { key, revision } of stale) await state.delete(key, { ifRevision: revision }).catch(() => {})
        if (entries.length < page) return
        after = entries.at(-1)!.key
      }
    },
  }
}
