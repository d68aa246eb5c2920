import type { Segment, SegmentHead } from '../schema/screen.ts'
import type { ViewsReader } from '../views/views.ts'
import type { Ask } from './elastic-ask.ts'
import type { CatalogIndices } from './elastic-mappings.ts'
import { headsPerPage, pageId, partId, type StoredScreen, screenAt } from './elastic-write-screen.ts'

/** All by id: what was acknowledged is there at once. */
export const createScreenReads = (indices: CatalogIndices, newAsk: () => Ask): ViewsReader => {
  const screenOf = async (ask: Ask, sessionId: string): Promise<StoredScreen | null> => {
    const [found] = await ask.get<StoredScreen>([screenAt(indices, sessionId)])
    return found ?? null
  }
  const usable = async (ask: Ask, sessionId: string): Promise<StoredScreen | null> => {
    const screen = await screenOf(ask, sessionId)
    return screen?.unavailable === null ? screen : null
  }
  const pagesOf = async (ask: Ask, sessionId: string, segmentCount: number): Promise<SegmentHead[]> => {
    const count = Math.floor(segmentCount / headsPerPage)
    const at = Array.from({ length: count }, (_, page) => ({
      _index: indices.screenSegments,
      _id: pageId(sessionId, page),
    }))
    const pages = await ask.get<{ row: string }>(at)
    return pages.flatMap((page) => (page ? (JSON.parse(page.row) as SegmentHead[]) : []))
  }
  return {
    segments: async (sessionId) => {
      const ask = newAsk()
      const screen = await usable(ask, sessionId)
      if (screen === null) return null
      const { throughUs, nextSeq, isEnded, segmentCount, heads } = screen
      const pages = await pagesOf(ask, sessionId, segmentCount)
      const segments = [...pages, ...(JSON.parse(heads) as SegmentHead[])]
      return { throughUs, throughSeq: nextSeq - 1, isEnded, segments }
    },
    segment: async (sessionId, number) => {
      const ask = newAsk()
      const screen = await usable(ask, sessionId)
      if (screen === null || number >= screen.segmentCount) return null
      const [found] = await ask.get<{ row: string }>([
        { _index: indices.screenSegments, _id: partId(sessionId, number) },
      ])
      return found ? (JSON.parse(found.row) as Segment) : null
    },
    liveState: async (sessionId) => {
      const screen = await usable(newAsk(), sessionId)
      return screen && { nextSeq: screen.nextSeq, state: screen.state }
    },
    unavailable: async (sessionId) => (await screenOf(newAsk(), sessionId))?.unavailable ?? null,
  }
}
