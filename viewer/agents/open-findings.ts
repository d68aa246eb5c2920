import { z } from 'zod'
import type { CatalogReader } from '#services/catalog/catalog.ts'
import type { SessionEvent } from '#services/schema/session-event.ts'
import { latestEvents } from '../latest-events.ts'

const daysMs = 2 * 24 * 3_600_000 // bastions say everything once a day
const mostEvents = 5_000

/** What is not well on a bastion, by what it said last of each check and person; `lastAt`: when it said anything. */
export const OpenFindings = z.object({
  bastion: z.string(),
  fail: z.number().int(),
  warn: z.number().int(),
  lastAt: z.iso.datetime(),
})
type OpenFindings = z.infer<typeof OpenFindings>

/** `events`: newest first. */
export const findingsOf = (events: readonly SessionEvent[]): OpenFindings[] => {
  const byBastion = new Map<string, OpenFindings>()
  const judged = new Set<string>()
  for (const event of events) {
    if (event.kind !== 'posture') continue
    const { bastion, check, user, status, at } = event
    const key = JSON.stringify([bastion, check, user ?? null])
    if (judged.has(key)) continue
    judged.add(key)
    const found = byBastion.get(bastion) ?? { bastion, fail: 0, warn: 0, lastAt: at }
    byBastion.set(bastion, found)
    if (status !== 'ok') found[status] += 1
  }
  return [...byBastion.values()].sort((a, b) => (a.bastion < b.bastion ? -1 : 1))
}

/** Of the last two days. `complete`: false where bastions said more than is counted, and some findings are missing. */
export const openFindings = async (
  catalog: Pick<CatalogReader, 'events'>,
  nowMs: number,
): Promise<{ items: OpenFindings[]; complete: boolean }> => {
  const query = { kinds: ['posture' as const], from: new Date(nowMs - daysMs) }
  const { events, complete } = await latestEvents(catalog, query, mostEvents)
  return { items: findingsOf(events), complete }
}
