import { type BulkItem, sendBulk } from '../elastic/elastic-bulk.ts'
import type { Elastic } from '../elastic/elastic-client.ts'
import { getDocuments } from '../elastic/elastic-get.ts'
import { BartizanError } from '../errors.ts'
import { isUnended } from '../schema/session.ts'
import type { SessionRow, SessionUpdate } from './catalog.ts'
import type { TermMembers } from './elastic-line-terms.ts'
import type { CatalogIndices } from './elastic-mappings.ts'
import { member, tieOf } from './elastic-write-events.ts'
import { commandText, sessionText } from './search-text.ts'

/**
 * An update is three kinds of documents, and Elasticsearch has no transactions. What decides whether an update was
 * applied is the progress document, written when all others stand: a crash in between leaves it as it was, and the
 * batches come again. Until then a reader may see commands early, but never twice, since each has one id.
 *
 * Every document carries the update's nextSeq as its external version: a writer that lost its partition and is late
 * cannot put an older state over a newer one.
 */

type Before = { nextSeq: number; closing: number | null; commandCount: number }
type Refusal = BartizanError | null

/** Refused where the document is of a later update. */
export const actionOf = (index: string, id: string, version: number): string =>
  `{"index":{"_index":"${index}","_id":${JSON.stringify(id)},"version":${version},"version_type":"external_gte"}}\n`

const timeOf = ({ id, startedAt }: SessionRow): number => {
  const ms = Date.parse(startedAt)
  if (Number.isFinite(ms)) return ms
  throw new BartizanError('BTZ_INTERNAL', `session ${id} has no valid start`)
}

const commandItems = (update: SessionUpdate, index: string, termMembers: TermMembers): BulkItem[] => {
  const { sessionId, session, nextSeq } = update
  const startedAtMs = timeOf(session)
  const common = `${member('sessionId', sessionId)}${member('user', session.user)}${member('bastion', session.bastion)}`
  return update.commands.map(({ number, command }) => {
    const id = `${sessionId}/${number}`
    const atMs = Math.trunc(startedAtMs + command.atMs)
    const fields = `"at":${atMs},"tie":${tieOf(id)},"number":${number},"startedAt":${startedAtMs}${common}`
    const row = JSON.stringify(JSON.stringify(command))
    return `${actionOf(index, id, nextSeq)}{${fields},${termMembers(commandText(command))},"row":${row}}\n`
  })
}

/** Commands count from 0 without gaps, so the highest number tells how many there are. */
const commandCountOf = ({ commands }: SessionUpdate, { commandCount }: Before): number =>
  commands.reduce((count, { number }) => Math.max(count, number + 1), commandCount)

export const sessionDocument = (
  session: SessionRow,
  { closing, nextSeq, commandCount }: Before,
  termMembers: TermMembers,
): string => {
  const endedAt = session.endedAt === null ? null : Date.parse(session.endedAt)
  const numbers =
    `"startedAt":${timeOf(session)},"endedAt":${endedAt},"closing":${closing},"nextSeq":${nextSeq},` +
    `"commandCount":${commandCount},"lastedMs":${endedAt === null ? null : endedAt - timeOf(session)}`
  const words = (['id', 'connectionId', 'parentId', 'user', 'bastion', 'sourceIp', 'target', 'state'] as const)
    .map((name) => member(name, session[name]))
    .join('')
  const row = JSON.stringify(JSON.stringify(session))
  return `{${numbers}${words},${termMembers(sessionText(session))},"row":${row}}\n`
}

const sessionItem = (
  update: SessionUpdate,
  before: Before,
  closing: number | null,
  index: string,
  termMembers: TermMembers,
): BulkItem => {
  const { session, sessionId, nextSeq } = update
  const after = { closing, nextSeq, commandCount: commandCountOf(update, before) }
  return `${actionOf(index, sessionId, nextSeq)}${sessionDocument(session, after, termMembers)}`
}

const progressItem = ({ sessionId, nextSeq, progress }: SessionUpdate, index: string): BulkItem =>
  `${actionOf(index, sessionId, nextSeq)}{"nextSeq":${nextSeq},"progress":${JSON.stringify(progress)}}\n`

export type FrameWriterOptions = {
  elastic: Elastic
  indices: CatalogIndices
  termMembers: TermMembers
  /** Numbers the sessions that end: growing. */
  nextClosing(): number
}

export const createFrameWriter = ({ elastic, indices, termMembers, nextClosing }: FrameWriterOptions) => {
  /** By id, so also what no search sees yet. */
  const beforeOf = async (updates: readonly SessionUpdate[]): Promise<Before[]> => {
    const found = await getDocuments<Partial<Before>>(
      elastic,
      updates.flatMap(({ sessionId: _id }) => [
        { _index: indices.progress, _id, _source: ['nextSeq'] },
        { _index: indices.sessions, _id, _source: ['closing', 'commandCount'] },
      ]),
    )
    return updates.map((_, at) => ({
      nextSeq: found[2 * at]?.nextSeq ?? 0,
      closing: found[2 * at + 1]?.closing ?? null,
      commandCount: found[2 * at + 1]?.commandCount ?? 0,
    }))
  }

  const itemsOf = (update: SessionUpdate, before: Before): BulkItem[] => {
    const closing = isUnended(update.session.state) ? null : (before.closing ?? nextClosing())
    return [
      ...commandItems(update, indices.commands, termMembers),
      sessionItem(update, before, closing, indices.sessions, termMembers),
    ]
  }

  /** Null: all of it stands. */
  const writeRows = async (updates: readonly SessionUpdate[], before: readonly Before[]): Promise<Refusal[]> => {
    const items: { of: number; item: BulkItem }[] = []
    const refusals: Refusal[] = updates.map((update, of) => {
      try {
        for (const item of itemsOf(update, before[of]!)) items.push({ of, item })
        return null
      } catch (error) {
        return error as BartizanError
      }
    })
    const outcomes = await sendBulk(
      elastic,
      items.map(({ item }) => item),
    )
    for (const [at, one] of outcomes.entries()) {
      if (one.outcome !== 'refused') continue
      const { of } = items[at]!
      refusals[of] = new BartizanError('BTZ_CATALOG_REFUSED', `Elasticsearch refuses a session's row: ${one.reason}`)
    }
    return refusals
  }

  /** Each update of another session. @throws BTZ_UNAVAILABLE for all of them */
  return async (updates: readonly SessionUpdate[]): Promise<Refusal[]> => {
    const before = await beforeOf(updates)
    const isNew = updates.map(({ nextSeq }, at) => nextSeq > before[at]!.nextSeq)
    const fresh = updates.filter((_, at) => isNew[at])
    const rows = await writeRows(
      fresh,
      before.filter((_, at) => isNew[at]),
    )
    const standing = fresh.filter((_, at) => rows[at] === null)
    await sendBulk(
      elastic,
      standing.map((update) => progressItem(update, indices.progress)),
    )
    return updates.map((update) => rows[fresh.indexOf(update)] ?? null)
  }
}
