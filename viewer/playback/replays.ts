import { hash } from 'node:crypto'
import type { AlertReader, CatalogReader } from '#services/catalog/catalog.ts'
import type { Clock } from '#services/clock.ts'
import type { Session } from '#services/schema/session.ts'
import type { ViewsReader } from '#services/views/views.ts'
import { type BlockSource, createBlockCache } from './block-cache.ts'
import { markersIn, type ReplayMarker, replayMarkers } from './replay-markers.ts'
import type { ReplayPlan, ReplayRange } from './replay-plan.ts'
import { createReplayPlans } from './replay-plans.ts'

type ReplaySource = BlockSource & {
  catalog: Pick<CatalogReader, 'blocks' | 'events' | 'commands'> & Pick<AlertReader, 'alerts'>
  views: Pick<ViewsReader, 'segments' | 'segment' | 'liveState' | 'unavailable'>
  clock: Clock
}

// Some 16 blocks: what a few people who watch at once go through, and not what a process has.
const cacheLimits = { maxBytes: 64 * 1024 * 1024, forMs: 60_000 }
const mostMarkerSets = 32

/** In the time of the range. `tag`: of just these markers. */
type MarkerSet = { markers: ReplayMarker[]; tag: string }

/** Markers as an index told them, so that the segments tell the same, whatever was found meanwhile. */
const createMarkerSets = (source: Pick<ReplaySource, 'catalog'>) => {
  const kept = new Map<string, MarkerSet>()
  const keyOf = (session: Session, { fromUs, toUs }: ReplayRange, tag: string) =>
    JSON.stringify([session.id, fromUs, toUs, tag])
  const latest = async (
    session: Session,
    plan: ReplayPlan,
    range: ReplayRange,
    commands: boolean,
  ): Promise<MarkerSet> => {
    const markers = markersIn(await replayMarkers(source, session, plan, commands), range)
    const set = { markers, tag: hash('sha256', JSON.stringify(markers)).slice(0, 16) }
    kept.set(keyOf(session, range, set.tag), set)
    if (kept.size > mostMarkerSets) kept.delete(kept.keys().next().value!)
    return set
  }
  return {
    latest,
    /** None where they are others by now: markers that are not those of the index would be counted wrongly. */
    tagged: async (
      session: Session,
      plan: ReplayPlan,
      range: ReplayRange,
      commands: boolean,
      tag: string | undefined,
    ): Promise<ReplayMarker[]> => {
      if (tag === undefined) return []
      const set = kept.get(keyOf(session, range, tag)) ?? (await latest(session, plan, range, commands))
      return set.tag === tag ? set.markers : []
    },
  }
}

/** All that opens replays in one process: what it read last is kept for who watches on. */
export const createReplays = (source: ReplaySource) => {
  const read = createBlockCache(source, cacheLimits)
  const { views } = source
  return { plans: createReplayPlans({ ...source, read }), markers: createMarkerSets(source), read, views }
}
export type Replays = ReturnType<typeof createReplays>
