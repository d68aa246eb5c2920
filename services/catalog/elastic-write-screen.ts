import { type BulkItem, type BulkOutcome, sendBulk } from '../elastic/elastic-bulk.ts'
import type { Elastic } from '../elastic/elastic-client.ts'
import { type DocumentAt, getDocuments, getStanding, type Standing } from '../elastic/elastic-get.ts'
import { BartizanError } from '../errors.ts'
import type { SegmentHead } from '../schema/screen.ts'
import type { ScreenProgress, ScreenUpdate } from '../views/views.ts'
import { erasureId } from './elastic-erase.ts'
import type { TermMembers } from './elastic-line-terms.ts'
import type { CatalogIndices } from './elastic-mappings.ts'
import { standingAction } from './elastic-write-alerts.ts'
import { member, tieOf } from './elastic-write-events.ts'
import { screenText } from './search-text.ts'
import { createWriteQueue, type WriteOutcome } from './write-queue.ts'

const maxTogether = 64 // updates of sessions in one request

/**
 * What decides whether an update was applied is the session's document, written when all others stand, and only over the
 * one that was read before. All others never change: what a second writer derives of the same batches is the same.
 * The heads of segments stand in documents of `headsPerPage`, those of the last page in the session's document, so that
 * a list of thousands is read by id.
 */
export const headsPerPage = 256

export type StoredScreen = Omit<ScreenProgress, 'throughMs'> & {
  throughUs: number
  isEnded: boolean
  segmentCount: number
  heads: string // JSON of SegmentHead[]: those after the last full page
}

export const pageId = (sessionId: string, page: number): string => `${sessionId}/page/${page}`
export const partId = (sessionId: string, number: number): string => `${sessionId}/${number}`
export const screenAt = ({ screens }: CatalogIndices, sessionId: string): DocumentAt => ({
  _index: screens,
  _id: sessionId,
})

const createAction = (index: string, id: string): string =>
  `{"create":{"_index":"${index}","_id":${JSON.stringify(id)}}}\n`

const textItem = (
  { sessionId, owner }: ScreenUpdate,
  { number, atMs, text: shown }: ScreenUpdate['texts'][number],
  index: string,
  termMembers: TermMembers,
): BulkItem => {
  const id = partId(sessionId, number)
  const text = screenText(shown)
  const at = Math.trunc(owner.startedAtMs + atMs)
  // A command of the same number may be of the same millisecond, and a page ends between the two.
  const fields =
    `"at":${at},"tie":${tieOf(`screen ${id}`)},"number":${number},"startedAt":${owner.startedAtMs}` +
    member('sessionId', sessionId) +
    member('user', owner.user) +
    member('bastion', owner.bastion)
  const row = JSON.stringify(JSON.stringify({ atMs: Math.trunc(atMs), text }))
  return `${createAction(index, id)}{${fields},${termMembers(text)},"row":${row}}\n`
}

const partItem = (index: string, id: string, sessionId: string, row: unknown): BulkItem =>
  `${createAction(index, id)}{"sessionId":"${sessionId}","tie":${tieOf(id)},"row":${JSON.stringify(JSON.stringify(row))}}\n`

type Heads = { pages: { number: number; heads: SegmentHead[] }[]; segmentCount: number; rest: SegmentHead[] }

/** Full pages, and what is left for the next one. */
const headsAfter = (before: StoredScreen | undefined, { segments }: ScreenUpdate): Heads => {
  const known = before?.segmentCount ?? 0
  const stands = JSON.parse(before?.heads ?? '[]') as SegmentHead[]
  const added = segments.filter(({ number }) => number >= known).map(({ init: _, ...head }) => head)
  const rest = [...stands, ...added]
  const pages: Heads['pages'] = []
  for (let number = Math.floor(known / headsPerPage); rest.length >= headsPerPage; number++)
    pages.push({ number, heads: rest.splice(0, headsPerPage) })
  return { pages, segmentCount: known + added.length, rest }
}

const screenDocument = (update: ScreenUpdate, before: StoredScreen | undefined, heads: Heads): string => {
  const { nextSeq, state, throughUs, isEnded, unavailable, owner, texts } = update
  const textCount = texts.reduce((count, { number }) => Math.max(count, number + 1), before?.textCount ?? 0)
  const document: StoredScreen = {
    ...{ nextSeq, state, throughUs, isEnded, unavailable, owner, textCount },
    segmentCount: heads.segmentCount,
    heads: JSON.stringify(heads.rest),
  }
  return `${JSON.stringify(document)}\n`
}

type Written = { update: ScreenUpdate; standing: Standing<StoredScreen> | null; heads: Heads }
type Options = { elastic: Elastic; indices: CatalogIndices; termMembers: TermMembers }

const partsOf = (
  { update, standing, heads }: Written,
  { screenTexts, screenSegments }: CatalogIndices,
  termMembers: TermMembers,
): BulkItem[] => {
  const { sessionId, segments, texts } = update
  const known = standing?.source.textCount ?? 0
  const fresh = texts.filter(({ number }) => number >= known)
  return [
    ...fresh.map((text) => textItem(update, text, screenTexts, termMembers)),
    ...segments.map((segment) => partItem(screenSegments, partId(sessionId, segment.number), sessionId, segment)),
    ...heads.pages.map((page) => partItem(screenSegments, pageId(sessionId, page.number), sessionId, page.heads)),
  ]
}

const failureOf = (one: BulkOutcome): BartizanError | null => {
  if (one.outcome === 'refused')
    return new BartizanError('BTZ_CATALOG_REFUSED', `Elasticsearch refuses what was on a screen: ${one.reason}`)
  if (one.outcome === 'done') return null
  return new BartizanError('BTZ_UNAVAILABLE', 'what was on a screen was written by another process at the same time')
}
const outcomeOf = (failure: BartizanError | null): WriteOutcome =>
  failure === null ? { result: undefined } : { code: failure.code, message: failure.message }

const createGroupWriter = ({ elastic, indices, termMembers }: Options) => {
  /** Null: there already, or being erased. */
  const plan = async (updates: readonly ScreenUpdate[]): Promise<(Written | null)[]> => {
    const found = await getStanding<StoredScreen>(
      elastic,
      updates.flatMap(({ sessionId }) => [
        screenAt(indices, sessionId),
        { _index: indices.evidence, _id: erasureId(sessionId), _source: false as const },
      ]),
    )
    return updates.map((update, at) => {
      const [standing = null, erased] = [found[2 * at], found[2 * at + 1]]
      if (erased || (standing && standing.source.nextSeq >= update.nextSeq)) return null
      return { update, standing, heads: headsAfter(standing?.source, update) }
    })
  }
  /** What of them cannot be taken. */
  const writeParts = async (written: readonly Written[]): Promise<Map<Written, BartizanError>> => {
    const parts = written.flatMap((of) => partsOf(of, indices, termMembers).map((item) => ({ of, item })))
    const outcomes = await sendBulk(
      elastic,
      parts.map(({ item }) => item),
    )
    const failures = new Map<Written, BartizanError>()
    for (const [at, one] of outcomes.entries())
      if (one.outcome === 'refused') failures.set(parts[at]!.of, failureOf(one)!)
    return failures
  }
  const documentItem = ({ update, standing, heads }: Written): BulkItem => {
    const { sessionId } = update
    const action = standing
      ? standingAction(indices.screens, sessionId, standing)
      : createAction(indices.screens, sessionId)
    return action + screenDocument(update, standing?.source, heads)
  }
  return async (updates: readonly ScreenUpdate[]): Promise<WriteOutcome[]> => {
    const planned = await plan(updates)
    const written = planned.filter((one) => one !== null)
    const failures = await writeParts(written)
    const standing = written.filter((one) => !failures.has(one))
    const outcomes = await sendBulk(elastic, standing.map(documentItem))
    for (const [at, one] of outcomes.entries()) {
      const failure = failureOf(one)
      if (failure) failures.set(standing[at]!, failure)
    }
    return planned.map((one) => outcomeOf((one && failures.get(one)) ?? null))
  }
}

export const createScreenWriter = (options: Options) => {
  const { elastic, indices } = options
  const queue = createWriteQueue<ScreenUpdate>(createGroupWriter(options), { maxTogether })
  return {
    indexScreen: async (update: ScreenUpdate): Promise<void> => {
      await queue.add(update)
    },
    screenProgress: async (sessionId: string): Promise<ScreenProgress | null> => {
      const [found] = await getDocuments<StoredScreen>(elastic, [screenAt(indices, sessionId)])
      if (!found) return null
      const { nextSeq, state, owner, unavailable, textCount, throughUs, isEnded } = found
      return { nextSeq, state, owner, unavailable, textCount, isEnded, throughMs: Math.trunc(throughUs / 1000) }
    },
    drained: queue.drained,
  }
}
