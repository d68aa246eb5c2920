import { z } from 'zod'
import type { BlockRow, CatalogReader } from '#services/catalog/catalog.ts'
import { BartizanError } from '#services/errors.ts'
import type { Place, SegmentHead } from '#services/schema/screen.ts'
import type { Session } from '#services/schema/session.ts'
import { createSpans, type Spans } from '#services/terminal/pauses.ts'
import { createTerminalEvents, type TimedFrame } from '#services/terminal/terminal-events.ts'
import type { ViewsReader } from '#services/views/views.ts'
import type { BlockReader } from './block-cache.ts'
import { framesOf, recordingStart } from './placed-frames.ts'
import { durationUsOf, pinOf, type ReplayPin, type ReplayPlan } from './replay-plan.ts'

type Recorded = Pick<Session, 'id' | 'cols' | 'rows'>

export type PlanSource = {
  catalog: Pick<CatalogReader, 'blocks'>
  views: Pick<ViewsReader, 'segments' | 'liveState'>
  read: BlockReader
}

const mostPlans = 16

type LiveState = Awaited<ReturnType<ViewsReader['liveState']>>
const us = z.number().int().nonnegative()
/** Of a SegmenterState: what no segment tells of yet. */
const StateOfTail = z.object({
  segmentCount: z.number().int(),
  spans: z.object({
    lastUs: us,
    pauses: z.array(z.tuple([us, us])),
    marks: z.array(z.tuple([us, z.string()])),
  }),
})

export const toUs = (seconds: number): number => Math.round(seconds * 1e6)

/** Pauses and marks of what comes after the last segment's start, which no segment tells of yet. */
const tailOf = async (frames: AsyncIterable<TimedFrame>, lastUs: number, endUs: number): Promise<Spans> => {
  const toEvent = createTerminalEvents()
  const spans = createSpans({ pauses: [], marks: [], lastUs })
  for await (const frame of frames) {
    const event = toEvent(frame)
    if (event) spans.event(toUs(event[0]), event[1] === 'm' ? event[2] : null)
  }
  spans.event(endUs, null)
  return spans.take()
}

/** What the screen worker's state says of that; null: it stands elsewhere than what is stored. */
const tailOfState = (live: LiveState, pin: ReplayPin, endUs: number): Spans | null => {
  if (live?.nextSeq !== pin.lastSeq + 1) return null
  const state = StateOfTail.safeParse(JSON.parse(live.state))
  if (!state.success || state.data.segmentCount !== pin.viewCount) return null
  const spans = createSpans(state.data.spans)
  spans.event(endUs, null)
  return spans.take()
}

const planOf = async (
  session: Recorded,
  blocks: BlockRow[],
  heads: SegmentHead[],
  { read, views }: PlanSource,
): Promise<ReplayPlan> => {
  const durationUs = durationUsOf(blocks)
  const pin = { lastSeq: blocks.at(-1)!.lastSeq, viewCount: heads.length }
  const last: { place: Place; startUs: number } = heads.at(-1) ?? { place: recordingStart, startUs: 0 }
  const known = heads.length > 0 ? tailOfState(await views.liveState(session.id), pin, durationUs) : null
  const tail = known ?? (await tailOf(framesOf({ blocks, from: last.place, to: null }, read), last.startUs, durationUs))
  return {
    pin,
    size: { cols: session.cols || 80, rows: session.rows || 24 },
    ...{ blocks, heads, durationUs },
    pauses: [...heads.flatMap((head) => head.pauses), ...tail.pauses],
    marks: [...heads.flatMap((head) => head.marks), ...tail.marks],
  }
}

export const nothingStored = () =>
  new BartizanError('BTZ_NOT_FOUND', 'nothing of this session is stored yet', {
    hint: 'the first block of a running session is stored within a minute',
  })

export const viewsChanged = () =>
  new BartizanError('BTZ_NOT_FOUND', 'what this replay was opened on is not there any more', {
    hint: 'its views were made anew: open the replay again',
  })

/**
 * Replays as they can be opened now, and as they were opened: the same pin gives the same segments. Of a session without
 * views, or with views that stand behind its evidence, the rest is one segment.
 */
export const createReplayPlans = (source: PlanSource) => {
  const { catalog, views } = source
  const kept = new Map<string, Promise<ReplayPlan>>()

  const keep = (key: string, make: () => Promise<ReplayPlan>): Promise<ReplayPlan> => {
    const plan = kept.get(key) ?? make()
    kept.delete(key)
    kept.set(key, plan)
    plan.catch(() => kept.delete(key))
    if (kept.size > mostPlans) kept.delete(kept.keys().next().value!)
    return plan
  }
  const keyOf = (sessionId: string, { lastSeq, viewCount }: ReplayPin) => `${sessionId} ${lastSeq} ${viewCount}`
  const stored = async (sessionId: string, lastSeq = Number.MAX_SAFE_INTEGER): Promise<BlockRow[]> => {
    const blocks = (await catalog.blocks(sessionId)).filter((block) => block.lastSeq <= lastSeq)
    if (blocks.length === 0) throw nothingStored()
    return blocks
  }
  const headsOf = async (sessionId: string): Promise<SegmentHead[]> => (await views.segments(sessionId))?.segments ?? []

  return {
    /** @throws BTZ_NOT_FOUND nothing of it is stored */
    latest: async (session: Recorded): Promise<ReplayPlan> => {
      const { id } = session
      const [blocks, heads] = await Promise.all([stored(id), headsOf(id)])
      const pin = pinOf(blocks, heads)
      return keep(keyOf(id, pin), () => planOf(session, blocks, heads.slice(0, pin.viewCount), source))
    },
    /** @throws BTZ_NOT_FOUND it cannot be opened as it was */
    pinned: (session: Recorded, pin: ReplayPin): Promise<ReplayPlan> =>
      keep(keyOf(session.id, pin), async () => {
        const { id } = session
        const blocks = await stored(id, pin.lastSeq)
        const heads = pin.viewCount === 0 ? [] : await headsOf(id)
        if (heads.length < pin.viewCount) throw viewsChanged()
        return planOf(session, blocks, heads.slice(0, pin.viewCount), source)
      }),
  }
}
