import type { Bus, Topic } from '#services/bus/bus.ts'
import type { Clock } from '#services/clock.ts'
import type { Logger } from '#services/log.ts'
import type { StateStore } from '#services/state/state-store.ts'
import { type Carry, createCarry } from './carry.ts'
import { type Cursor, createCursorStore } from './cursor.ts'
import { createDurably, type Durably } from './durably.ts'
import { createIntake, type Intake, type Limits, maxRunBytes, nameOf, type Taken } from './intake.ts'
import { obey } from './obey.ts'
import type { Outlet } from './outlet.ts'
import type { Pause } from './pause.ts'
import { createPositions } from './positions.ts'
import { createProgress, type Progress } from './progress.ts'
import { nextChunk } from './replay.ts'
import { answerRequest, cursorKey, groupOf, type SinkRequest } from './requests.ts'
import type { SendContext } from './send-plan.ts'

const idleMs = 250
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

type Parts<L> = {
  progress: Progress
  carry: Carry<L>
  intake: Intake
  durably: Durably
  carryOut(request: SinkRequest): Promise<string | null>
}

const takeRecords = async <L>({ progress, carry, durably }: Parts<L>, outlet: Outlet<L>, taken: Taken) => {
  const cursor = progress.cursor()
  // After a rebalance or a crash the bus hands out again what is planned already.
  const fresh = taken.records.filter((record) => record.offset >= (cursor.next[nameOf(record)] ?? 0))
  if (fresh.length === 0) return
  const chosen = await durably(() => outlet.choose(fresh, cursor))
  const reached = Object.entries(taken.next).map(([at, to]) => [at, Math.max(to, cursor.next[at] ?? 0)] as const)
  await carry.carryOut(chosen, { next: { ...cursor.next, ...Object.fromEntries(reached) } })
}

const takeReplay = async <L>(
  { progress, carry, durably }: Parts<L>,
  { bus, outlet }: FlowOptions<L>,
  ranges: NonNullable<Cursor['replay']>,
) => {
  const { records, left } = await durably(() => nextChunk(bus, ranges))
  await carry.carryOut(await durably(() => outlet.choose(records, progress.cursor())), { replay: left })
}

/** One round: what came, what is due, what is replayed, what was asked for. */
const createTurn = <L>(options: FlowOptions<L>, parts: Parts<L>, { soft, hard }: Ending) => {
  const { name, outlet, state, clock, log, limits, told } = options
  const { progress, carry, intake, durably, carryOut } = parts
  let askedMs = Number.NEGATIVE_INFINITY

  const answer = async (): Promise<void> => {
    if (Math.abs(clock.now() - askedMs) < askMs) return
    askedMs = clock.now()
    await answerRequest(state, name, carryOut).catch((err: unknown) => log.warn({ err }, 'a request waits'))
  }
  const steps = (taken: Taken): (() => Promise<void>)[] => [
    () => takeRecords(parts, outlet, taken),
    async () => {
      const due = await durably(() => outlet.due(progress.cursor()))
      if (due !== null) await carry.carryOut(due, {})
    },
    async () => {
      const { replay } = progress.cursor()
      if (replay !== null) await takeReplay(parts, options, replay)
    },
    answer,
    async () => {
      if (taken.records.length === 0 || progress.isLate()) await progress.flush()
    },
  ]
  return async (): Promise<void> => {
    const taken = await intake.take(limits, progress.cursor().replay === null ? idleMs : 0, soft)
    told.oldest(taken.records[0]?.timestampMs ?? intake.oldestMs())
    for (const step of steps(taken)) if (!hard.aborted) await step()
  }
}

/**
 * Bus → one destination. A batch is planned in the state store, then sent; the bus's offsets follow behind.
 * @throws BTZ_STATE_CONFLICT when another process serves this destination now
 */
export const runFlow = async <L>(options: FlowOptions<L>, ending: Ending): Promise<void> => {
  const { name, outlet, topics, bus, state, pause, log } = options
  const { soft, hard } = ending
  const durably = createDurably(pause, hard, log)
  const store = createCursorStore(state, cursorKey(name))
  const positions = createPositions(state, `sinks/${name}/positions`)
  const cursor = await durably(() => store.load(bus.id))
  await durably(() => outlet.storeMarks(cursor.marks))
  const progress = createProgress({ ...options, cursor, store, storeMarks: outlet.storeMarks, durably })
  const carry = createCarry({ ...options, progress, positions, durably, hard })
  await carry.resume()
  const intake = createIntake()
  const carryOut = (request: SinkRequest) => obey({ bus, outlet, progress, positions, signal: hard }, request)
  const turn = createTurn(options, { progress, carry, intake, durably, carryOut }, ending)
  const group = groupOf(name)
  const onError = (err: unknown): void => log.warn({ err, group }, 'a run is tried again')
  const subscription = await bus.subscribe({ group, topics, maxRunBytes, onError }, { onRecords: intake.offer })
  progress.commitsTo(subscription)
  try {
    while (!soft.aborted && !hard.aborted) await turn()
    if (!hard.aborted) await progress.flush()
  } finally {
    await subscription.close()
  }
}
