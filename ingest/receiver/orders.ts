import { v7 } from 'uuid'
import type { Clock } from '#services/clock.ts'
import { BartizanError } from '#services/errors.ts'
import type { SessionId } from '#services/schema/ids.ts'
import type { Heartbeat, HeartbeatAnswer } from '#services/schema/uplink.ts'

const maxOrders = 1_000 // of one bastion
const maxWaiters = 8 // held answers of one bastion; more are answered at once
const keepMs = 60_000

type Order = HeartbeatAnswer['orders'][number]
type Queued = { order: Order; queuedAtMs: number; isSent: boolean }
type Mailbox = { queued: Queued[]; waiters: Set<() => void> }

/**
 * Orders on their way to agents, in memory. One is repeated in every answer until its session is no longer among the
 * agent's open ones: an answer may get lost, and an agent does the same order twice without harm.
 */
export const createOrders = (clock: Clock) => {
  const mailboxes = new Map<string, Mailbox>()
  const mailboxOf = (bastion: string): Mailbox => {
    const mailbox = mailboxes.get(bastion) ?? { queued: [], waiters: new Set() }
    mailboxes.set(bastion, mailbox)
    return mailbox
  }
  return {
    /** @throws BTZ_UNAVAILABLE */
    terminate: ({ bastion, sessionId, text }: { bastion: string; sessionId: string; text: string }): void => {
      const { queued, waiters } = mailboxOf(bastion)
      if (queued.length >= maxOrders)
        throw new BartizanError('BTZ_UNAVAILABLE', `${queued.length} orders wait for ${bastion} already`)
      const order: Order = { id: v7(), type: 'terminate', sessionId: sessionId as SessionId, text }
      queued.push({ order, queuedAtMs: clock.now(), isSent: false })
      for (const wake of waiters) wake()
    },
    /** Resolves when there is something to send, at the limit, or when `gone` says that nobody waits any more. */
    wait: async (bastion: string, waitMs: number, gone: AbortSignal): Promise<void> => {
      const { queued, waiters } = mailboxOf(bastion)
      if (queued.some(({ isSent }) => !isSent) || waiters.size >= maxWaiters || gone.aborted) return
      await new Promise<void>((resolve) => {
        const wake = () => {
          clearTimeout(timer)
          gone.removeEventListener('abort', wake)
          waiters.delete(wake)
          resolve()
        }
        const timer = setTimeout(wake, waitMs)
        gone.addEventListener('abort', wake)
        waiters.add(wake)
      })
    },
    /** What the answer to this heartbeat carries. */
    take: ({ bastion, openSessions }: Pick<Heartbeat, 'bastion' | 'openSessions'>): Order[] => {
      const mailbox = mailboxOf(bastion)
      const open = new Set(openSessions.map(({ sessionId }) => sessionId))
      mailbox.queued = mailbox.queued.filter(
        ({ order, queuedAtMs, isSent }) => clock.now() - queuedAtMs < keepMs && (!isSent || open.has(order.sessionId)),
      )
      for (const queued of mailbox.queued) queued.isSent = true
      return mailbox.queued.map(({ order }) => order)
    },
  }
}
export type Orders = ReturnType<typeof createOrders>
