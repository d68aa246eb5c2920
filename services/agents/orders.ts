import { v7 } from 'uuid'
import { z } from 'zod'
import type { Clock } from '../clock.ts'
import { BartizanError, hasCode } from '../errors.ts'
import type { Logger } from '../log.ts'
import type { SessionId } from '../schema/ids.ts'
import { type Heartbeat, HeartbeatAnswer } from '../schema/uplink.ts'
import type { StateStore } from '../state/state-store.ts'

const key = 'orders/pending'
const maxOrders = 1_000
const maxOrdersOfBastion = 200
const maxWaiters = 8 // held answers of one bastion; more are answered at once
const keepMs = 60_000
const lookEveryMs = 250
const attempts = 20

const Pending = z.object({
  order: HeartbeatAnswer.shape.orders.element,
  bastion: z.string(),
  queuedAtMs: z.int(),
})
const AllPending = z.array(Pending).max(maxOrders)
type Pending = z.infer<typeof Pending>
type Order = Pending['order']

const queue = (pending: Pending[], { bastion, order }: Pick<Pending, 'bastion' | 'order'>, nowMs: number) => {
  const fresh = pending.filter(({ queuedAtMs }) => nowMs - queuedAtMs < keepMs)
  const waiting = fresh.filter((one) => one.bastion === bastion).length
  if (waiting < maxOrdersOfBastion && fresh.length < maxOrders) return [...fresh, { order, bastion, queuedAtMs: nowMs }]
  throw new BartizanError('BTZ_UNAVAILABLE', `${waiting} orders wait for ${bastion} already, ${fresh.length} in all`)
}

/** All pending orders as one entry, changed by compare and swap. */
const createList = (state: StateStore) => {
  const read = async () => {
    const entry = await state.get(key)
    return { pending: AllPending.catch([]).parse(entry?.value ?? []), revision: entry?.revision ?? 0 }
  }
  const change = async (act: (pending: Pending[]) => Pending[]): Promise<void> => {
    for (let attempt = 1; ; attempt++) {
      const { pending, revision } = await read()
      try {
        await state.put(key, act(pending), { ifRevision: revision })
        return
      } catch (error) {
        if (!hasCode(error, 'BTZ_STATE_CONFLICT') || attempt === attempts) throw error
      }
    }
  }
  return { read, change }
}

/** What hinders a heartbeat from being answered: until one of these happens. */
const createWaiters = () => {
  const byBastion = new Map<string, Set<() => void>>()
  return {
    bastions: (): Iterable<string> => byBastion.keys(),
    wake: (bastion: string): void => {
      for (const wake of byBastion.get(bastion) ?? []) wake()
    },
    wait: (bastion: string, waitMs: number, gone: AbortSignal): Promise<void> => {
      const waiters = byBastion.get(bastion) ?? new Set()
      if (waiters.size >= maxWaiters || gone.aborted) return Promise.resolve()
      byBastion.set(bastion, waiters)
      return new Promise<void>((resolve) => {
        const wake = () => {
          clearTimeout(timer)
          gone.removeEventListener('abort', wake)
          waiters.delete(wake)
          if (waiters.size === 0) byBastion.delete(bastion)
          resolve()
        }
        const timer = setTimeout(wake, waitMs)
        gone.addEventListener('abort', wake)
        waiters.add(wake)
      })
    },
  }
}

/**
 * Orders on their way to agents, through the state store: whoever gives one need not be the process that the agent
 * speaks to. One is repeated in every answer until its session is no longer among the agent's open ones: an answer may
 * get lost, and an agent does the same order twice without harm.
 */
export const createOrders = ({ state, clock, log }: { state: StateStore; clock: Clock; log: Logger }) => {
  const list = createList(state)
  const waiters = createWaiters()
  const sent = new Set<string>() // by this process; the others answer with it once more
  let known: Pending[] = []
  let timer: NodeJS.Timeout | null = null

  const unsentFor = (bastion: string): boolean =>
    known.some((one) => one.bastion === bastion && !sent.has(one.order.id) && clock.now() - one.queuedAtMs < keepMs)
  const look = async (): Promise<void> => {
    known = (await list.read()).pending
    for (const id of sent) if (!known.some(({ order }) => order.id === id)) sent.delete(id)
    for (const bastion of waiters.bastions()) if (unsentFor(bastion)) waiters.wake(bastion)
  }
  const notRead = (err: unknown): void => log.warn({ err }, 'the orders for agents cannot be read')
  /** Heartbeats go on without the state store: agents wait for their answers before they send. */
  const lookOrKeep = (): Promise<void> => look().catch(notRead)
  const lookSoon = (): void => {
    timer ??= setTimeout(async () => {
      await lookOrKeep()
      timer = null
      if (!waiters.bastions()[Symbol.iterator]().next().done) lookSoon()
    }, lookEveryMs)
  }
  const drop = async (done: Set<string>): Promise<void> => {
    await list.change((pending) => pending.filter(({ order }) => !done.has(order.id)))
    known = known.filter(({ order }) => !done.has(order.id))
  }
  return {
    /** Tells the bastion's agent to end a session, with a text for its user. @throws BTZ_UNAVAILABLE */
    terminate: async (ordered: { bastion: string; sessionId: string; text: string }): Promise<void> => {
      const { bastion, text } = ordered
      const order: Order = { id: v7(), type: 'terminate', sessionId: ordered.sessionId as SessionId, text }
      await list.change((pending) => queue(pending, { bastion, order }, clock.now()))
      await look()
    },
    /** Resolves when there is something to send, at the limit, or when `gone` says that nobody waits any more. */
    wait: async (bastion: string, waitMs: number, gone: AbortSignal): Promise<void> => {
      if (waitMs === 0 || unsentFor(bastion)) return
      lookSoon()
      await waiters.wait(bastion, waitMs, gone)
    },
    /** What the answer to this heartbeat carries. */
    take: async ({ bastion, openSessions }: Pick<Heartbeat, 'bastion' | 'openSessions'>): Promise<Order[]> => {
      await lookOrKeep()
      const open = new Set(openSessions.map(({ sessionId }) => sessionId))
      const mine = known.filter((one) => one.bastion === bastion)
      const isDone = ({ order, queuedAtMs }: Pending): boolean =>
        clock.now() - queuedAtMs >= keepMs || (sent.has(order.id) && !open.has(order.sessionId))
      const done = new Set(mine.filter(isDone).map(({ order }) => order.id))
      if (done.size > 0) await drop(done).catch(notRead)
      const orders = mine.map(({ order }) => order).filter(({ id }) => !done.has(id))
      for (const { id } of orders) sent.add(id)
      return orders
    },
    close: (): void => {
      if (timer) clearTimeout(timer)
    },
  }
}
export type Orders = ReturnType<typeof createOrders>
