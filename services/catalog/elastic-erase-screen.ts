import { sendBulk } from '../elastic/elastic-bulk.ts'
import type { Elastic } from '../elastic/elastic-client.ts'
import { getDocuments } from '../elastic/elastic-get.ts'
import { createRefresh } from '../elastic/elastic-refresh.ts'
import type { Ask } from './elastic-ask.ts'
import type { CatalogIndices } from './elastic-mappings.ts'

const pageSize = 5_000

/** Takes all that was derived of a session's terminal out of the indices. */
export const createScreenEraser = (options: { elastic: Elastic; indices: CatalogIndices; ask: () => Ask }) => {
  const { elastic, indices, ask } = options
  const parts = [indices.screenTexts, indices.screenSegments].map((index) => ({
    index,
    refresh: createRefresh(elastic, index),
  }))
  const erase = (index: string, ids: readonly string[]) =>
    sendBulk(
      elastic,
      ids.map((id) => `{"delete":{"_index":"${index}","_id":${JSON.stringify(id)}}}\n`),
    )
  const eraseParts = async ({ index, refresh }: (typeof parts)[number], sessionId: string): Promise<number> => {
    const query = { bool: { filter: [{ term: { sessionId } }] } }
    for (let count = 0; ; ) {
      await refresh()
      const { hits } = await ask().search<object>(index, { size: pageSize, query, _source: false })
      if (hits.length === 0) return count
      await erase(
        index,
        hits.map(({ _id }) => _id),
      )
      count += hits.length
    }
  }
  return {
    /** The session's document last: while parts are left, who asks again finds it. Returns how many documents that took. */
    eraseScreen: async (sessionId: string): Promise<number> => {
      let count = 0
      for (const part of parts) count += await eraseParts(part, sessionId)
      const [found] = await getDocuments(elastic, [{ _index: indices.screens, _id: sessionId, _source: false }])
      if (!found) return count
      await erase(indices.screens, [sessionId])
      return count + 1
    },
  }
}
