import { z } from 'zod'
import { type Bus, type BusRecord, type NewRecord, topics } from '#services/bus/bus.ts'
import { BartizanError } from '#services/errors.ts'
import type { OriginCheck } from '#services/origin/origin-check.ts'
import { sealedTopics } from '#services/origin/seal.ts'
import { decodeBatchHeader } from '#services/recordings/format/frame-batch.ts'
import type { StateStore } from '#services/state/state-store.ts'
import type { Operations } from './operations.ts'

const topic = 'dead-letters'
const readTogether = 32
export const mostListed = 500

/** `id`: partition/offset on the topic of dead letters. */
export type DeadLetter = {
  id: string
  at: string
  where: string
  code: string
  reason: string
  topic: string
  partition: number | null
  offset: number | null
  bytes: number
  resentAt: string | null
}
export type DeadLettersOptions = {
  bus: Pick<Bus, 'id' | 'read' | 'produce' | 'partitions'>
  origins: OriginCheck | null
  state: StateStore
  resendTo: Operations['resend']
}

const number = (text: string | undefined): number | null => (text === undefined || text === '' ? null : Number(text))
const Headers = z.record(z.string(), z.string())
const Resent = z.object({ resentAt: z.string() })
const NamesBastion = z.looseObject({ bastion: z.string().nullish() })

const invalid = (message: string, hint?: string): BartizanError =>
  new BartizanError('BTZ_REQUEST_INVALID', message, hint === undefined ? {} : { hint })

/** Whom the record speaks for, by its value. */
const bastionOf = ({ topic: from, value }: NewRecord): string => {
  if (from === 'session-frames') return decodeBatchHeader(value).bastion
  return NamesBastion.parse(JSON.parse(Buffer.from(value).toString())).bastion ?? 'none'
}

/** The record as it was before it was put aside. */
const originalOf = ({ value, headers }: BusRecord): NewRecord => {
  const found = topics.find((name) => name === headers.topic)
  if (found === undefined || headers.key === undefined || headers.offset === undefined)
    throw invalid('the dead letter is a notice, and not a record of the bus: its alert is in the console')
  if (headers.omittedBytes !== undefined)
    throw invalid('the record was too large to be put aside as a whole', 'it is where it was, and in evidence')
  return { topic: found, key: headers.key, value, headers: Headers.parse(JSON.parse(headers.recordHeaders ?? '{}')) }
}

/** What was put aside, and how it gets another try. */
export const createDeadLetterDesk = ({ bus, origins, state, resendTo }: DeadLettersOptions) => {
  const resentKey = (id: string): string => `dead-letters/${bus.id}/${id}`

  const viewOf = async ({ partition, offset, timestampMs, value, headers }: BusRecord): Promise<DeadLetter> => {
    const id = `${partition}/${offset}`
    const resent = Resent.safeParse((await state.get(resentKey(id)))?.value).data
    return {
      id,
      at: new Date(timestampMs).toISOString(),
      where: headers.where ?? '',
      code: headers.code ?? '',
      reason: headers.reason ?? '',
      topic: headers.topic ?? '',
      partition: number(headers.partition),
      offset: number(headers.offset),
      bytes: number(headers.omittedBytes) ?? value.byteLength,
      resentAt: resent?.resentAt ?? null,
    }
  }
  /** The oldest there are, after `after`; `next`: for the rest. */
  const list = async (limit: number, after: string | null): Promise<{ items: DeadLetter[]; next: string | null }> => {
    const [first = 0, last = -1] = after === null ? [] : placeOf(after)
    const items: DeadLetter[] = []
    for (let partition = first; partition < bus.partitions(topic); partition++) {
      for (let offset = partition === first ? last + 1 : 0; ; ) {
        const records = await bus.read({ topic, partition }, offset, Math.min(readTogether, limit - items.length))
        for (const record of records) items.push(await viewOf(record))
        if (items.length >= limit) return { items, next: items.at(-1)!.id }
        if (records.length === 0) break
        offset = records.at(-1)!.offset + 1
      }
    }
    return { items, next: null }
  }
  const read = async (id: string): Promise<BusRecord> => {
    const [partition, offset] = placeOf(id)
    const isThere = partition < bus.partitions(topic)
    const [record] = isThere ? await bus.read({ topic, partition }, offset, 1) : []
    if (record?.offset === offset) return record
    throw new BartizanError('BTZ_NOT_FOUND', `there is no dead letter ${id}`)
  }
  /**
   * On a cluster others write to the bus too. A record without a proof would get ours when it is sent again, and so speak
   * for whom it likes.
   */
  const checkProof = async (record: NewRecord, letter: BusRecord): Promise<void> => {
    const isRefused = letter.headers.code === 'BTZ_ORIGIN_UNPROVEN'
    if (origins === null && !isRefused) return
    if (!sealedTopics.includes(record.topic)) return
    const unproven = (why: string) =>
      new BartizanError('BTZ_ORIGIN_UNPROVEN', `it is not sent again: ${why}`, {
        hint: 'enrol who wrote it, or import what it holds by somebody who may',
      })
    if (origins === null) throw unproven('nothing here can prove who wrote it')
    let bastion: string
    try {
      bastion = bastionOf(record)
    } catch {
      throw unproven('it cannot be read, so nobody can say whom it speaks for')
    }
    const reason = await origins.refuse({ ...letter, ...record, headers: record.headers ?? {} }, bastion)
    if (reason !== null) throw unproven(reason)
  }
  const toSink = async ({ headers }: BusRecord): Promise<void> => {
    const [from, partition, offset] = [headers.topic, number(headers.partition), number(headers.offset)]
    if ((from !== 'session-events' && from !== 'alerts') || partition === null || offset === null)
      throw invalid('the dead letter is a notice: its alert is in the console')
    await resendTo((headers.where ?? '').replace(/^sink-/, ''), { topic: from, partition, offset })
  }
  /**
   * To where it came from; what one destination refused goes to that destination alone.
   * @throws BTZ_ORIGIN_UNPROVEN BTZ_NOT_FOUND BTZ_REQUEST_INVALID
   */
  const resend = async (id: string, nowMs: number): Promise<{ to: string }> => {
    const letter = await read(id)
    const where = letter.headers.where ?? ''
    const isSink = where.startsWith('sink-')
    if (isSink) await toSink(letter)
    else {
      const record = originalOf(letter)
      await checkProof(record, letter)
      await bus.produce([record])
    }
    await state.put(resentKey(id), { resentAt: new Date(nowMs).toISOString() })
    return { to: isSink ? where : (letter.headers.topic ?? '') }
  }
  return { list, resend }
}
export type DeadLetterDesk = ReturnType<typeof createDeadLetterDesk>

/** @throws BTZ_REQUEST_INVALID */
const placeOf = (id: string): [number, number] => {
  const found = /^(\d{1,4})\/(\d{1,15})$/.exec(id)
  if (!found) throw invalid('the id of a dead letter is partition/offset, as `bartizan dead-letters list` shows it')
  return [Number(found[1]), Number(found[2])]
}
