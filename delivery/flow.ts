import type { Bus, Subscription, Topic } from '#services/bus/bus.ts'
import type { Clock } from '#services/clock.ts'
import { hasCode } from '#services/errors.ts'
import type { Logger } from '#services/log.ts'
import type { StateStore } from '#services/state/state-store.ts'
import { type Cursor, createCursorStore } from './cursor.ts'
import { createDurably } from './durably.ts'
import { createIntake, type Limits, maxRunBytes, nameOf, type Taken } from './intake.ts'
import type { Chosen, Outlet, Planned } from './outlet.ts'
import type { Pause } from './pause.ts'
import { beginAt, createPositions } from './positions.ts'
import { nextChunk, rangesFrom, rangesSince, withRecord } from './replay.ts'
import { answerRequest, cursorKey, groupOf, type SinkRequest } from './requests.ts'
import { type SendContext, sendPlan } from './send-plan.ts'

const idleMs = 250
const flushMs = 1_000
const maxMarks = 200
const askMs = 2_000

export type FlowOptions<L> = {
  name: string
  outlet: Outlet<L>
  topics: Topic[]
  limits: Limits
  bus: Bus
  state: StateStore
  clock: Clock
  pause: Pause
  log: Logger
  told: SendContext<L>['told'] & { oldest(ms: number | null): void }
}

/** `soft`: ends after the batch under way. `hard`: ends now; what is under way comes again with the same numbers. */
export type Ending = { soft: AbortSignal; hard: AbortSignal }

/**
 * Bus → one destination. A batch is planned in the state store, then sent; the bus's offsets follow behind.
 * @throws BTZ_STATE_CONFLICT when another process serves this destination now
 */
export const runFlow = async <L>(options: FlowOptions<L>, { soft, hard }: Ending): Promise<void> => {
  const { name, outlet, bus, state, clock, pause, log, told } = options
  const durably = createDurably(pause, hard, log)
  const store = createCursorStore(state, cursorKey(name))
  const positions = createPositions(state, `sinks/${name}/positions`)
  const intake = createIntake()
  let cursor = await durably(() => store.load(bus.id))
  let isDirty = false
  let [flushedMs, askedMs] = [clock.now(), Number.NEGATIVE_INFINITY]
  let done: Record<string, number> = {}
  const committed: Record<string, number> = {}
  let subscription: Subscription | null = null

  const commitDone = async (): Promise<void> => {
    for (const [at, next] of Object.entries(done)) {
      if ((committed[at] ?? -1) >= next) continue
      const [topic, partition] = at.split('/') as [Topic, string]
      try {
        await subscription?.commit({ topic, partition: Number(partition) }, next)
        committed[at] = next
      } catch (err) {
        // The cursor has it; who gets the partition next drops what is done.
        if (!hasCode(err, 'BTZ_BUS_NOT_ASSIGNED')) log.warn({ err, at }, 'the offset is committed later')
      }
    }
  }
  const save = async (): Promise<void> => {
    await durably(() => store.save(cursor))
    await durably(() => outlet.storeMarks(cursor.marks))
    cursor = { ...cursor, marks: {} }
    ;[isDirty, flushedMs] = [false, clock.now()]
  }
  const flush = async (): Promise<void> => {
    if (isDirty) await save()
    await commitDone()
  }
  const replan = async (left: Planned<L>[], seq: number): Promise<void> => {
    const entries = left.map(({ entry }) => entry)
    cursor = { ...cursor, nextSeq: seq + left.length, plan: left.length > 0 ? { firstSeq: seq, entries } : null }
    await save()
  }
  const sendAll = async (planned: Planned<L>[], firstSeq: number): Promise<void> => {
    await sendPlan({ outlet, pause, durably, replan, told }, planned, firstSeq, hard)
    if (hard.aborted) return
    cursor = { ...cursor, plan: null }
    isDirty = true
  }
  const carryOut = async ({ planned, desk, marks }: Chosen<L>, change: Partial<Cursor>): Promise<void> => {
    const before = cursor
    cursor = { ...cursor, ...change, desk, marks: { ...cursor.marks, ...marks } }
    isDirty = true
    if (planned.length > 0) {
      await durably(() => positions.note(before, clock.now()))
      await replan(planned, cursor.nextSeq)
      await commitDone()
      await sendAll(planned, cursor.nextSeq - planned.length)
    }
    if (!hard.aborted) done = cursor.next
  }
  const takeRecords = async ({ records, next }: Taken): Promise<void> => {
    // After a rebalance or a crash the bus hands out again what is planned already.
    const fresh = records.filter((record) => record.offset >= (cursor.next[nameOf(record)] ?? 0))
    if (fresh.length === 0) return
    const chosen = await durably(() => outlet.choose(fresh, cursor))
    const reached = Object.entries(next).map(([at, to]) => [at, Math.max(to, cursor.next[at] ?? 0)] as const)
    await carryOut(chosen, { next: { ...cursor.next, ...Object.fromEntries(reached) } })
  }
  const takeReplay = async (ranges: NonNullable<Cursor['replay']>): Promise<void> => {
    const { records, left } = await durably(() => nextChunk(bus, ranges))
    await carryOut(await durably(() => outlet.choose(records, cursor)), { replay: left })
  }
  const testNow = async (): Promise<string> => {
    try {
      const { refused } = await outlet.send([{ seq: 0, load: outlet.probe() }], hard)
      return refused ? `refused: ${refused.reason}` : 'taken'
    } catch (error) {
      return `failed: ${error instanceof Error ? error.message : 'error'}`
    }
  }
  const obey = async (request: SinkRequest): Promise<string | null> => {
    if (request.kind === 'test') return testNow()
    const { next } = cursor
    if (request.kind === 'resend') {
      const { topic, partition, offset } = request
      cursor = { ...cursor, replay: withRecord(cursor.replay, nameOf({ topic, partition }), offset) }
    } else if (request.fromSeq === undefined)
      cursor = { ...cursor, replay: await rangesSince(bus, next, request.fromMs ?? 0) }
    else {
      const { fromSeq } = request
      cursor = { ...cursor, replay: rangesFrom(next, beginAt(await positions.load(), fromSeq)) }
    }
    await save()
    return null
  }
  const turn = async (): Promise<void> => {
    const taken = await intake.take(options.limits, cursor.replay === null ? idleMs : 0, soft)
    told.oldest(taken.records[0]?.timestampMs ?? intake.oldestMs())
    await takeRecords(taken)
    const due = await durably(() => outlet.due(cursor))
    if (due !== null && !hard.aborted) await carryOut(due, {})
    if (cursor.replay !== null && !hard.aborted) await takeReplay(cursor.replay)
    if (Math.abs(clock.now() - askedMs) >= askMs && !hard.aborted) {
      askedMs = clock.now()
      await answerRequest(state, name, obey).catch((err: unknown) => log.warn({ err }, 'a request waits'))
    }
    const isLate = Math.abs(clock.now() - flushedMs) >= flushMs || Object.keys(cursor.marks).length >= maxMarks
    if (!hard.aborted && (taken.records.length === 0 || isLate)) await flush()
  }

  await durably(() => outlet.storeMarks(cursor.marks))
  if (cursor.plan !== null) {
    const { firstSeq, entries } = cursor.plan
    const planned = await durably(() => outlet.restore(entries))
    await replan(planned, firstSeq)
    await sendAll(planned, firstSeq)
  }
  if (!hard.aborted) done = cursor.next
  const group = groupOf(name)
  const onError = (err: unknown): void => log.warn({ err, group }, 'a run is tried again')
  subscription = await bus.subscribe(
    { group, topics: options.topics, maxRunBytes, onError },
    { onRecords: intake.offer },
  )
  try {
    while (!soft.aborted && !hard.aborted) await turn()
    if (!hard.aborted) await flush()
  } finally {
    await subscription.close()
  }
}
