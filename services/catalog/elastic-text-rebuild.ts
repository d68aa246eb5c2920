import type { Clock } from '../clock.ts'
import { type BulkItem, type BulkOutcome, sendBulk } from '../elastic/elastic-bulk.ts'
import type { Elastic } from '../elastic/elastic-client.ts'
import { createRefresh } from '../elastic/elastic-refresh.ts'
import { BartizanError } from '../errors.ts'
import { type Ask, createAsk, type Hit } from './elastic-ask.ts'
import { createTermMembers, formTerm, type TermMembers } from './elastic-line-terms.ts'
import type { CatalogIndices } from './elastic-mappings.ts'
import { rowText, type TextKind, textIndex, textKinds } from './elastic-texts.ts'
import { standingAction } from './elastic-write-alerts.ts'
import { actionOf } from './elastic-write-frames.ts'

/**
 * Documents that an older version wrote get the terms of today, made from their rows. Which of them are left is asked of
 * the index itself, so that it goes on after any end, and a document that is written meanwhile needs nothing more.
 */

const ofOlderForm = { bool: { must_not: [{ term: { starts: formTerm } }] } }
const searchMs = 60_000
const pageSize = 1_000
const maxIdlePages = 20
const recheckMs = 60_000

type Stored = { row: string }

/** Sessions keep their version: that of the batch up to which they are known. All others stand against who deletes them. */
const itemOf = (kind: TextKind, hit: Hit<Stored>, termMembers: TermMembers): BulkItem => {
  const { _index, _id, _source, _seq_no: seqNo = 0, _primary_term: term = 0, _version: version = 1 } = hit
  const action =
    kind === 'sessions' ? actionOf(_index, _id, version) : standingAction(_index, _id, { source: _source, seqNo, term })
  const fields = JSON.stringify(_source).slice(1, -1)
  return `${action}{${fields},${termMembers(rowText(kind, _source.row))}}\n`
}

const doneOf = (outcomes: readonly BulkOutcome[]): number => {
  const refused = outcomes.find((one) => one.outcome === 'refused')
  if (refused)
    throw new BartizanError('BTZ_CATALOG_REFUSED', `Elasticsearch refuses a document made anew: ${refused.reason}`)
  return outcomes.filter(({ outcome }) => outcome === 'done').length
}

const rebuildKind = async (
  elastic: Elastic,
  indices: CatalogIndices,
  kind: TextKind,
  report: (documents: number) => void,
): Promise<void> => {
  const index = textIndex(indices, kind)
  const [refresh, termMembers] = [createRefresh(elastic, index), createTermMembers()]
  for (let idlePages = 0; idlePages < maxIdlePages; ) {
    await refresh()
    const { hits } = await createAsk(elastic, searchMs).search<Stored>(index, {
      ...{ size: pageSize, query: ofOlderForm, _source: { excludes: ['trigrams', 'starts'] } },
      ...{ seq_no_primary_term: true, version: true },
    })
    if (hits.length === 0) return
    const items = hits.map((hit) => itemOf(kind, hit, termMembers))
    const done = doneOf(await sendBulk(elastic, items))
    idlePages = done > 0 ? 0 : idlePages + 1
    report(done)
  }
  throw new BartizanError('BTZ_UNAVAILABLE', `somebody else goes on writing the documents of ${index}`, {
    hint: 'look for a process of an older release, and run it again',
  })
}

/** Until none is left. `report`: of each page, how many. @throws BTZ_UNAVAILABLE BTZ_CATALOG_REFUSED */
export const rebuildTexts = async (
  elastic: Elastic,
  indices: CatalogIndices,
  report: (documents: number) => void,
): Promise<void> => {
  for (const kind of textKinds) await rebuildKind(elastic, indices, kind, report)
}

/**
 * Refuses a search for texts while documents are there that it could not find. Asked again each minute: a process of an
 * older version may still write some. @throws BTZ_UNAVAILABLE
 */
export const createFormCheck = (ask: () => Ask, indices: CatalogIndices, clock: Clock): (() => Promise<void>) => {
  const all = textKinds.map((kind) => textIndex(indices, kind)).join(',')
  let goodUntilMs = Number.NEGATIVE_INFINITY
  return async () => {
    const nowMs = clock.now()
    if (nowMs < goodUntilMs) return
    const { hits } = await ask().search(all, { size: 1, query: ofOlderForm, _source: false })
    if (hits.length > 0)
      throw new BartizanError('BTZ_UNAVAILABLE', 'texts that an older version indexed cannot be searched yet', {
        hint: 'run `bartizan setup` with a user that may write the indices; lists without a text are answered',
      })
    goodUntilMs = nowMs + recheckMs
  }
}
