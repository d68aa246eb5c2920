import type { Bus } from '#services/bus/bus.ts'
import { partitionOfKey } from '#services/bus/key-partition.ts'
import { BartizanError } from '#services/errors.ts'
import type { Session } from '#services/schema/session.ts'
import type { SegmenterState } from '#services/terminal/segmenter.ts'
import { clampSize } from '#services/terminal/terminal-size.ts'
import { screenGroup, type ViewsReader } from '#services/views/views.ts'
import type { LiveStart } from './live-session.ts'

const topic = 'session-frames'

type Sources = { bus: Pick<Bus, 'committed' | 'partitions'>; views: Pick<ViewsReader, 'liveState' | 'unavailable'> }

const fromNothing = ({ cols, rows }: Session): LiveStart => ({
  nextSeq: 0,
  openCharacters: {},
  reset: { timeUs: 0, steps: [{ ...clampSize({ cols: cols || 80, rows: rows || 24 }), sequence: '' }] },
})

/** @throws BTZ_UNAVAILABLE for what another version of Bartizan wrote */
const fromState = ({ nextSeq, state }: { nextSeq: number; state: string }): LiveStart => {
  const { version, keyframe, spans, openCharacters } = JSON.parse(state) as SegmenterState
  if (version === 1) return { nextSeq, openCharacters, reset: { timeUs: spans.lastUs, steps: keyframe } }
  throw new BartizanError('BTZ_UNAVAILABLE', `the screen of this session is kept in form ${version}`)
}

/**
 * Where to read on to have all of a session: the screens' index keeps a session's state before it commits, so what is read
 * here first is the offset. @throws BTZ_UNAVAILABLE
 */
export const startOf = async ({ bus, views }: Sources, session: Session): Promise<LiveStart & { from: number }> => {
  const partition = partitionOfKey(session.id, bus.partitions(topic))
  const from = (await bus.committed(screenGroup, { topic, partition })) ?? 0
  const state = await views.liveState(session.id)
  if (state) return { from, ...fromState(state) }
  const why = await views.unavailable(session.id)
  if (why === null) return { from, ...fromNothing(session) }
  throw new BartizanError('BTZ_UNAVAILABLE', `the screen of this session is not known: ${why}`)
}
