import { sendBulk } from '../elastic/elastic-bulk.ts'
import type { Elastic } from '../elastic/elastic-client.ts'
import { expungeIndices } from '../elastic/elastic-expunge.ts'
import { getDocuments, getStanding } from '../elastic/elastic-get.ts'
import { createRefresh } from '../elastic/elastic-refresh.ts'
import { alertWithoutContent, eventWithoutContent, rowWithoutContent } from '../erasure/without-content.ts'
import { BartizanError } from '../errors.ts'
import type { Alert } from '../schema/alert.ts'
import type { SessionEvent } from '../schema/session-event.ts'
import type { ErasureState, SessionRow } from './catalog.ts'
import type { Ask, Hit } from './elastic-ask.ts'
import { createScreenEraser } from './elastic-erase-screen.ts'
import type { TermMembers } from './elastic-line-terms.ts'
import type { CatalogIndices } from './elastic-mappings.ts'
import { alertDocument, standingAction } from './elastic-write-alerts.ts'
import { eventDocument } from './elastic-write-events.ts'
import { actionOf, sessionDocument } from './elastic-write-frames.ts'

const pageSize = 1_000

export const erasureId = (sessionId: string): string => `erasure/${sessionId}`

type Stored = { row: string }
type StoredSession = Stored & { nextSeq: number; commandCount: number; closing: number | null }
type Options = { elastic: Elastic; indices: CatalogIndices; termMembers: TermMembers; ask: () => Ask }

const byTime = [
  { at: { order: 'asc', unmapped_type: 'date' } },
  { tie: { order: 'asc', unmapped_type: 'long' } },
] as const

/** Takes what was derived from a session's content out of the documents; `expunge` takes it out of the segments. */
export const createEraser = ({ elastic, indices, termMembers, ask }: Options) => {
  const refreshes = [indices.commands, indices.events, indices.alerts].map((index) => createRefresh(elastic, index))

  const { eraseScreen } = createScreenEraser({ elastic, indices, ask })

  /** Page by page: what is rewritten or deleted on the way keeps its place in the order. */
  async function* pagesOf<Source = Stored>(
    index: string,
    field: string,
    sessionId: string,
    source: string[] = ['row'],
  ): AsyncGenerator<Hit<Source>[]> {
    let after: Hit<Source>['sort'] | undefined
    while (true) {
      const query = { bool: { filter: [{ term: { [field]: sessionId } }] } }
      const { hits } = await ask().search<Source>(index, {
        size: pageSize,
        sort: [...byTime],
        query,
        _source: source,
        ...(after && { search_after: after }),
      })
      yield hits
      after = hits.at(-1)?.sort
      if (hits.length < pageSize) return
    }
  }
  const eraseRow = async (sessionId: string): Promise<number> => {
    const _source = ['row', 'nextSeq', 'commandCount', 'closing']
    const [found] = await getDocuments<StoredSession>(elastic, [{ _index: indices.sessions, _id: sessionId, _source }])
    if (!found) return 0
    const row = rowWithoutContent(JSON.parse(found.row) as SessionRow)
    if (JSON.stringify(row) === found.row && found.commandCount === 0) return 0
    const { nextSeq, closing = null } = found
    const document = sessionDocument(row, { nextSeq, closing, commandCount: 0 }, termMembers)
    await sendBulk(elastic, [`${actionOf(indices.sessions, sessionId, nextSeq)}${document}`])
    return 1
  }
  const eraseProgress = async (sessionId: string): Promise<number> => {
    const [found] = await getDocuments(elastic, [{ _index: indices.progress, _id: sessionId, _source: false }])
    if (!found) return 0
    await sendBulk(elastic, [`{"delete":{"_index":"${indices.progress}","_id":"${sessionId}"}}\n`])
    return 1
  }
  const eraseCommands = async (sessionId: string): Promise<number> => {
    let count = 0
    for await (const hits of pagesOf<{ number: number }>(indices.commands, 'sessionId', sessionId, ['number'])) {
      const items = hits.map(
        ({ _source: { number } }) => `{"delete":{"_index":"${indices.commands}","_id":"${sessionId}/${number}"}}\n`,
      )
      await sendBulk(elastic, items)
      count += items.length
    }
    return count
  }
  const eraseEvents = async (sessionId: string): Promise<number> => {
    let count = 0
    for await (const hits of pagesOf(indices.events, 'sessionId', sessionId)) {
      const items = hits.flatMap(({ _index, _source: { row } }) => {
        const event = eventWithoutContent(JSON.parse(row) as SessionEvent)
        if (JSON.stringify(event) === row) return []
        const id = JSON.stringify(event.id.toWellFormed())
        return [`{"index":{"_index":"${_index}","_id":${id}}}\n${eventDocument(event, termMembers)}`]
      })
      await sendBulk(elastic, items)
      count += items.length
    }
    return count
  }
  const eraseAlerts = async (sessionId: string): Promise<number> => {
    let count = 0
    for await (const hits of pagesOf(indices.alerts, 'sessionIds', sessionId)) {
      const ids = hits.map(({ _source }) => (JSON.parse(_source.row) as Alert).id)
      if (ids.length === 0) continue
      const places = ids.map((_id) => ({ _index: indices.alerts, _id, _source: ['row'] }))
      const items = (await getStanding<Stored>(elastic, places)).flatMap((standing) => {
        if (standing === null) return []
        const alert = alertWithoutContent(JSON.parse(standing.source.row) as Alert)
        if (JSON.stringify(alert) === standing.source.row) return []
        return [standingAction(indices.alerts, alert.id, standing) + alertDocument(alert, termMembers)]
      })
      const outcomes = await sendBulk(elastic, items)
      if (outcomes.some(({ outcome }) => outcome === 'exists'))
        throw new BartizanError('BTZ_UNAVAILABLE', 'an alert was written while it was being erased')
      count += items.length
    }
    return count
  }
  return {
    markErasure: async (sessionId: string, state: ErasureState): Promise<void> => {
      const place = { _index: indices.evidence, _id: erasureId(sessionId), _source: ['erasure'] }
      const [found] = await getDocuments<{ erasure: ErasureState }>(elastic, [place])
      if (found?.erasure === 'erased') return
      const action = `{"index":{"_index":"${indices.evidence}","_id":${JSON.stringify(place._id)}}}\n`
      await sendBulk(elastic, [`${action}{"erasure":"${state}"}\n`])
    },
    eraseSession: async (sessionId: string): Promise<number> => {
      for (const refresh of refreshes) await refresh()
      const rows = (await eraseRow(sessionId)) + (await eraseProgress(sessionId))
      const written = (await eraseEvents(sessionId)) + (await eraseAlerts(sessionId))
      return rows + written + (await eraseCommands(sessionId)) + (await eraseScreen(sessionId))
    },
    expunge: (): Promise<void> =>
      expungeIndices(elastic, [
        ...[indices.events, indices.commands, indices.alerts, indices.sessions, indices.progress],
        ...[indices.screens, indices.screenSegments, indices.screenTexts],
      ]),
  }
}
