import type { Clock } from '../clock.ts'
import type { Config } from '../config.ts'
import { connectElastic } from '../elastic/elastic-client.ts'
import { createRefresh } from '../elastic/elastic-refresh.ts'
import { ensureTemplates } from '../elastic/elastic-templates.ts'
import type { Logger } from '../log.ts'
import type { SearchQuery } from '../schema/search-query.ts'
import { hasText } from '../search/hit-tree.ts'
import type { Views } from '../views/views.ts'
import { type Catalog, maxHitRows, type SessionUpdate } from './catalog.ts'
import { checkedLimit } from './checked-limit.ts'
import { createDurableSeqs } from './durable-seqs.ts'
import { type Ask, createAsk } from './elastic-ask.ts'
import { bastionsOf } from './elastic-bastions.ts'
import { createEraser } from './elastic-erase.ts'
import { createScreenEraser } from './elastic-erase-screen.ts'
import { createEvidenceWriter, readBlocks, readRanges } from './elastic-evidence.ts'
import { createIngestReads } from './elastic-ingest-reads.ts'
import { createTermMembers } from './elastic-line-terms.ts'
import { catalogTemplates, indicesOf } from './elastic-mappings.ts'
import { readAlert, readAlerts } from './elastic-read-alerts.ts'
import { readCommands } from './elastic-read-commands.ts'
import { readCoverage } from './elastic-read-coverage.ts'
import { createScreenReads } from './elastic-read-screen.ts'
import { readSession, readSessions } from './elastic-read-sessions.ts'
import { readEvents } from './elastic-read-timed.ts'
import { readHitRows, search } from './elastic-search.ts'
import { createFormCheck } from './elastic-text-rebuild.ts'
import { readValues } from './elastic-values.ts'
import { createAlertWriter } from './elastic-write-alerts.ts'
import { createEventWriter } from './elastic-write-events.ts'
import { createFrameWriter } from './elastic-write-frames.ts'
import { createLatenessWriter } from './elastic-write-lateness.ts'
import { createLedgerWriter } from './elastic-write-ledger.ts'
import { createScreenWriter } from './elastic-write-screen.ts'
import { createWriteQueue, type WriteOutcome } from './write-queue.ts'

const ingestReadMs = 10_000
const maxTogether = 64 // updates of sessions in one request

export type ElasticCatalogOptions = {
  config: Config['elasticsearch']
  queryTimeoutMs: number
  clock: Clock
  log: Logger
}

/** Updates in rounds in which no session comes twice. */
const roundsOf = (updates: readonly SessionUpdate[]): SessionUpdate[][] => {
  const rounds: SessionUpdate[][] = []
  const seen = new Map<string, number>()
  for (const update of updates) {
    const round = seen.get(update.sessionId) ?? 0
    seen.set(update.sessionId, round + 1)
    rounds[round] ??= []
    rounds[round].push(update)
  }
  return rounds
}

/** Growing, and of this moment: those of other processes fall into place. */
const createClosings = (clock: Clock): (() => number) => {
  let last = 0
  return () => {
    last = Math.max(last + 1, clock.now())
    return last
  }
}

const asksText = ({ query }: { query?: SearchQuery }): boolean => query !== undefined && hasText(query)
const asksWords = ({ text = '' }: { text?: string }): boolean => text !== ''

const createFrameQueue = (write: ReturnType<typeof createFrameWriter>) =>
  createWriteQueue<SessionUpdate>(
    async (updates) => {
      const outcomes = new Map<SessionUpdate, WriteOutcome>()
      for (const round of roundsOf(updates)) {
        const refusals = await write(round)
        for (const [at, update] of round.entries()) outcomes.set(update, refusals[at] ?? { result: undefined })
      }
      return updates.map((update) => outcomes.get(update)!)
    },
    { maxTogether },
  )

/**
 * Documents in Elasticsearch, one index per kind, events one per month. What is acknowledged is in the translog of
 * every copy, synced; it is found within half a second, and by id at once.
 * @throws BTZ_CATALOG_MISCONFIGURED BTZ_CONFIG_INVALID; each call also BTZ_UNAVAILABLE
 */
export const createElasticCatalog = async (options: ElasticCatalogOptions): Promise<Catalog & Views> => {
  const { config, queryTimeoutMs, clock, log } = options
  const elastic = connectElastic(config)
  try {
    await ensureTemplates(elastic, catalogTemplates)
  } catch (error) {
    await elastic.close()
    throw error
  }
  log.debug({ nodes: config.nodes.length, prefix: config.indexPrefix }, 'the catalog is in Elasticsearch')
  const indices = indicesOf(config.indexPrefix)
  const termMembers = createTermMembers()
  const ask = () => createAsk(elastic, queryTimeoutMs)
  const refreshEvidence = createRefresh(elastic, indices.evidence)
  const ingestAsk = () => createAsk(elastic, ingestReadMs)
  const nextClosing = createClosings(clock)
  const frames = createFrameQueue(createFrameWriter({ elastic, indices, termMembers, nextClosing }))
  const eventWriter = createEventWriter(elastic, indices, termMembers)
  const alertWriter = createAlertWriter(elastic, indices, termMembers)
  const screenWriter = createScreenWriter({ elastic, indices, termMembers })
  const checkForm = createFormCheck(ask, indices, clock)
  const ready = async (needsForm: boolean): Promise<Ask> => {
    if (needsForm) await checkForm()
    return ask()
  }
  const { eraseScreen } = createScreenEraser({ elastic, indices, ask: ingestAsk })
  return {
    putEvents: eventWriter.putEvents,
    putAlerts: alertWriter.putAlerts,
    ...createLedgerWriter({ elastic, indices, termMembers, nextClosing }),
    ...createLatenessWriter({ elastic, indices, termMembers, nextClosing }),
    ...createEvidenceWriter(elastic, indices),
    ...createEraser({ elastic, indices, termMembers, ask: ingestAsk }),
    ...createIngestReads(elastic, indices, ingestAsk),
    indexScreen: screenWriter.indexScreen,
    screenProgress: screenWriter.screenProgress,
    deleteScreen: async (sessionId) => {
      await eraseScreen(sessionId)
    },
    ...createScreenReads(indices, ask),
    indexFrames: async (update) => {
      await frames.add(update)
    },
    durableSeqs: createDurableSeqs((known) => readRanges(ingestAsk(), indices, known)),
    session: (id) => readSession(ask(), indices, id),
    sessions: async (query) => readSessions(await ready(asksText(query)), indices, checkedLimit(query)),
    commands: async (sessionId, page) => readCommands(ask(), indices, checkedLimit({ sessionId, ...page })),
    // A replay or export that missed the last block would be cut off without a word.
    blocks: async (sessionId) => {
      await refreshEvidence()
      return readBlocks(ask(), indices, sessionId)
    },
    coverage: async (query) => readCoverage(ask(), indices, await bastionsOf(elastic, indices.sessions), query),
    events: async (query) => readEvents(await ready(asksWords(query)), indices, checkedLimit(query)),
    alert: (id) => readAlert(ask(), indices, id),
    alerts: async (query) => readAlerts(await ready(asksWords(query)), indices, checkedLimit(query)),
    search: async (query) => search(await ready(asksText(query)), indices, checkedLimit(query)),
    hitRows: async (query) => readHitRows(await ready(true), indices, checkedLimit(query, maxHitRows)),
    fieldValues: async (query) => readValues(ask(), indices, checkedLimit(query)),
    close: async () => {
      await Promise.all([frames.drained(), eventWriter.drained(), alertWriter.drained(), screenWriter.drained()])
      await elastic.close()
    },
  }
}
