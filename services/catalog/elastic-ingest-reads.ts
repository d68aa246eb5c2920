import type { Elastic } from '../elastic/elastic-client.ts'
import { getDocuments } from '../elastic/elastic-get.ts'
import { createRefresh } from '../elastic/elastic-refresh.ts'
import type { SessionEvent } from '../schema/session-event.ts'
import type { ConnectionEvents, ConnectionSession, Progress, SessionRow } from './catalog.ts'
import type { Ask } from './elastic-ask.ts'
import { bastionsOf } from './elastic-bastions.ts'
import type { CatalogIndices } from './elastic-mappings.ts'
import { connectionSession, maxConnectionEvents } from './session-page.ts'

const maxConnectionSessions = 1_000
const openPage = 5_000

/** What ingest asks: it has to see what was acknowledged just before. */
export const createIngestReads = (elastic: Elastic, indices: CatalogIndices, newAsk: () => Ask) => {
  const refresh = createRefresh(elastic, indices.sessions)
  const refreshEvents = createRefresh(elastic, indices.events)
  return {
    bastions: async (): Promise<string[]> => {
      await refreshEvents()
      return bastionsOf(elastic, indices.events)
    },

    progress: async (sessionId: string): Promise<Progress | null> => {
      const [found, row] = await getDocuments<Partial<Progress>>(elastic, [
        { _index: indices.progress, _id: sessionId },
        { _index: indices.sessions, _id: sessionId, _source: ['state'] },
      ])
      return found ? { nextSeq: found.nextSeq!, progress: found.progress!, state: row?.state ?? 'open' } : null
    },

    openSessions: async (bastion: string): Promise<{ id: string; nextSeq: number }[]> => {
      await refresh()
      const ask = newAsk()
      const open: { id: string; nextSeq: number }[] = []
      const query = {
        bool: { filter: [{ term: { bastion: bastion.toWellFormed() } }], must_not: [{ exists: { field: 'closing' } }] },
      }
      for (let after: (number | string)[] | undefined; ; ) {
        const page = { size: openPage, query, sort: [{ id: 'asc' }], _source: ['id', 'nextSeq'] }
        const { hits } = await ask.search<{ id: string; nextSeq: number }>(indices.sessions, {
          ...page,
          ...(after && { search_after: after }),
        })
        open.push(...hits.map(({ _source: { id, nextSeq } }) => ({ id, nextSeq })))
        after = hits.at(-1)?.sort
        if (hits.length < openPage) return open
      }
    },

    connectionSessions: async (connectionId: string): Promise<ConnectionSession[]> => {
      await refresh()
      const { hits } = await newAsk().search<{ row: string }>(indices.sessions, {
        size: maxConnectionSessions,
        query: { bool: { filter: [{ term: { connectionId: connectionId.toWellFormed() } }] } },
        sort: [{ startedAt: 'desc' }, { id: 'desc' }],
        _source: ['row'],
      })
      return hits.toReversed().map(({ _source }) => connectionSession(JSON.parse(_source.row) as SessionRow))
    },

    connectionEvents: async (bastion: string, connectionId: string): Promise<ConnectionEvents> => {
      await refreshEvents()
      const filter = [
        { term: { connectionId: connectionId.toWellFormed() } },
        { term: { bastion: bastion.toWellFormed() } },
        { terms: { kind: ['login', 'session_started', 'session_ended'] } },
      ]
      const { hits } = await newAsk().search<{ row: string }>(indices.events, {
        size: maxConnectionEvents + 1,
        query: { bool: { filter } },
        sort: [{ at: { order: 'asc', unmapped_type: 'date' } }, { tie: { order: 'asc', unmapped_type: 'long' } }],
        _source: ['row'],
      })
      const events = hits.map(({ _source }) => JSON.parse(_source.row) as SessionEvent)
      return { events: events.slice(0, maxConnectionEvents), more: events.length > maxConnectionEvents }
    },
  }
}
