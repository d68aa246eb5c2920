import { z } from 'zod'
import type { Bus } from '#services/bus/bus.ts'
import { bastionsOn, type DayContext, type DayOfBastion, readDay } from '#services/coverage/day-of-bastion.ts'
import { encodeStatement, openStatement, statementHash, statementKeyOf } from '#services/coverage/statement-format.ts'
import { BartizanError, hasCode } from '#services/errors.ts'
import type { Logger } from '#services/log.ts'
import { leafRecord } from '#services/proofs/leaf.ts'
import { type NoteSigner, verifierOf } from '#services/proofs/note.ts'
import { canonicalJson } from '#services/recordings/format/manifest.ts'
import { longestRetention } from '#services/recordings/longest-retention.ts'
import type { RecordingStore } from '#services/recordings/recording-store.ts'
import { startSchedule } from '#services/schedule.ts'
import { CoverageDate } from '#services/schema/coverage.ts'
import { Statement } from '#services/schema/statement.ts'
import type { StateStore } from '#services/state/state-store.ts'

const everyCron = '40 */5 * * * *'
const dayMs = 86_400_000
/** After the end of a day, for what was still on its way. */
export const latenessMs = 3_600_000
const firstDays = 7 // before the first start: sessions of an earlier version
const reviewedDays = 14
const progressKey = 'statements/progress'

const Progress = z.object({ next: CoverageDate, reviewed: CoverageDate })
type Progress = z.infer<typeof Progress>

export type StatementsContext = DayContext & {
  recordings: Pick<RecordingStore, 'put' | 'get' | 'list'>
  bus: Pick<Bus, 'produce'>
  logKey: NoteSigner
  state: StateStore
  maxRetentionYears: number
  log: Logger
}

const dateOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10)
const plusDays = (date: string, days: number): string => dateOf(Date.parse(date) + days * dayMs)
const draftsOf = (date: string, bastion: string): string => `statements/day/${date}/${bastion}/`
const saysTheSame = ({ format, at, number, replaces, ...said }: Statement, day: DayOfBastion): boolean =>
  canonicalJson(said) === canonicalJson(day)

/** What stands in the store; null: nothing, or nothing that the key of this log signed. */
const lastStored = async ({ recordings, logKey }: StatementsContext, date: string, bastion: string) => {
  const first = statementKeyOf({ date, bastion, number: 1 })
  const folder = first.slice(0, first.lastIndexOf('/') + 1)
  const found = (await recordings.list(folder, { limit: 1_000 })).at(-1)
  if (!found) return null
  try {
    return openStatement(await recordings.get(found.key), verifierOf(logKey))
  } catch (error) {
    if (hasCode(error, 'BTZ_EVIDENCE_CORRUPT')) return null
    throw error
  }
}

/**
 * The last one that was drafted, or that stands in the store though the state does not know it: the state may have been
 * restored from before. Null: none. A thousand corrections of one day are more than there can be.
 */
const lastSaid = async (ctx: StatementsContext, date: string, bastion: string): Promise<Statement | null> => {
  const entry = (await ctx.state.list(draftsOf(date, bastion), { limit: 1_000 })).at(-1)
  const draft = entry ? Statement.parse(entry.value) : null
  const stored = await lastStored(ctx, date, bastion)
  return stored && stored.number > (draft?.number ?? 0) ? stored : draft
}

/** Durable in the store, and its leaf on its way into the log. The same any number of times is one. */
const write = async (ctx: StatementsContext, statement: Statement): Promise<void> => {
  const { recordings, bus, log } = ctx
  const key = statementKeyOf(statement)
  const bytes = encodeStatement(statement, ctx.logKey)
  const retainUntil = longestRetention(ctx.clock.now(), ctx.maxRetentionYears)
  try {
    await recordings.put(key, bytes, { retainUntil })
  } catch (error) {
    if (!hasCode(error, 'BTZ_RECORDING_EXISTS')) throw error
    if (!Buffer.from(bytes).equals(await recordings.get(key))) {
      log.error({ key }, 'something else stands where a daily statement belongs')
      return
    }
  }
  await bus.produce([leafRecord('statement', key, bytes)])
}

/**
 * Says what the day was like, or corrects what was said of it. What is going to be said stands in the state store first, and
 * the first process to put it there has decided it: so it is the same after a crash, and whoever writes it.
 */
const sayOnce = async (ctx: StatementsContext, date: string, bastion: string, isReview: boolean): Promise<void> => {
  const last = await lastSaid(ctx, date, bastion)
  if (last && !isReview) await write(ctx, last) // a crash may have come in between
  const day = await readDay(ctx, bastion, date)
  if (last && saysTheSame(last, day)) return
  const statement = Statement.parse({
    format: 1,
    ...day,
    number: (last?.number ?? 0) + 1,
    at: new Date(ctx.clock.now()).toISOString(),
    replaces: last && statementHash(encodeStatement(last, ctx.logKey)),
  })
  const key = `${draftsOf(date, bastion)}${String(statement.number).padStart(4, '0')}`
  await ctx.state.put(key, statement, { ifRevision: 0 })
  await write(ctx, statement)
  if (last) ctx.log.info({ bastion, date, number: statement.number }, 'a daily statement is corrected')
}

/** Another process that says it at the same moment has said it. */
const say = (ctx: StatementsContext, date: string, bastion: string, isReview = false): Promise<void> =>
  sayOnce(ctx, date, bastion, isReview).catch((error: unknown) => {
    if (!(error instanceof BartizanError) || error.code !== 'BTZ_STATE_CONFLICT') throw error
    return sayOnce(ctx, date, bastion, false)
  })

/** Makes what is due: of each day that is over, once, also of those during which nothing ran; then what is to be corrected. */
export const createStatements = (ctx: StatementsContext) => {
  const { clock, state } = ctx
  const load = async (): Promise<Progress> => {
    const stored = Progress.safeParse((await state.get(progressKey))?.value)
    if (stored.success) return stored.data
    const today = dateOf(clock.now())
    return { next: plusDays(today, -firstDays), reviewed: today }
  }
  const ofDay = async (date: string, isReview: boolean): Promise<void> => {
    for (const bastion of await bastionsOn(ctx, date)) await say(ctx, date, bastion, isReview)
  }
  return {
    makeDue: async (): Promise<void> => {
      const over = dateOf(clock.now() - dayMs - latenessMs) // the last day of which all should be here
      let { next, reviewed } = await load()
      for (; next <= over; next = plusDays(next, 1)) {
        await ofDay(next, false)
        await state.put(progressKey, { next: plusDays(next, 1), reviewed })
      }
      if (reviewed >= over) return
      for (let days = reviewedDays; days >= 1; days--) await ofDay(plusDays(over, -days), true)
      reviewed = over
      await state.put(progressKey, { next, reviewed })
    },
  }
}

export const makeStatements = (ctx: StatementsContext): { close(): Promise<void> } => {
  const schedule = startSchedule(everyCron, ctx.log, createStatements(ctx).makeDue)
  return { close: () => schedule.stop() }
}
