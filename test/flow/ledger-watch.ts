import { setTimeout as wait } from 'node:timers/promises'
import type { Alert } from '#services/schema/alert.ts'
import type { CoverageDay } from '#services/schema/coverage.ts'
import type { Session } from '#services/schema/session.ts'
import { sessionsOf } from '#test/helpers/recorded.ts'
import type { Product } from '#test/helpers/running.ts'

/** An alert as it was at one time, and when it was first seen so. */
export type SeenAlert = { alert: Alert; atMs: number }
export type Seen = {
  sessions: Session[]
  /** By row and state. */
  statesAtMs: Map<string, number>
  /** Every revision that was seen. */
  alerts: SeenAlert[]
  coverage: CoverageDay[]
}

const everyMs = 2_000
const namedStates = ['missing', 'truncated', 'recorder_killed', 'late', 'tunnel_only'] as const

const alertsOf = async ({ api }: Pick<Product, 'api'>): Promise<Alert[]> => {
  const found: Alert[] = []
  for (let cursor: string | null = ''; cursor !== null; ) {
    const query = `rule=recording-gap&withdrawn=true&limit=200${cursor && `&cursor=${encodeURIComponent(cursor)}`}`
    const page = (await api(`/api/alerts?${query}`)) as { items: Alert[]; next: string | null }
    found.push(...page.items)
    cursor = page.next
  }
  return found
}

/** The days on which the run was, all bastions. */
const coverageOf = async ({ api }: Pick<Product, 'api'>, fromMs: number): Promise<CoverageDay[]> => {
  const [from, to] = [fromMs, Date.now()].map((ms) => new Date(ms).toISOString().slice(0, 10))
  return ((await api(`/api/coverage?from=${from}&to=${to}`)) as { items: CoverageDay[] }).items
}

/** Looks at the API every two seconds, as somebody would who wants to know when the ledger says what. */
export const startWatch = (product: () => Product) => {
  const statesAtMs = new Map<string, number>()
  const alerts = new Map<string, SeenAlert>()
  const beganMs = Date.now()
  let isOver = false

  const note = (id: string, state: string): void => {
    const key = `${id} ${state}`
    if (!statesAtMs.has(key)) statesAtMs.set(key, Date.now())
  }
  const look = async (): Promise<void> => {
    for (const alert of await alertsOf(product())) {
      const key = `${alert.id} ${alert.revision}`
      if (!alerts.has(key)) alerts.set(key, { alert, atMs: Date.now() })
    }
    for (const state of namedStates)
      for (const { id } of await sessionsOf(product(), `state=${state}&limit=200`)) note(id, state)
  }
  const running = (async () => {
    while (!isOver) {
      await look().catch(() => {}) // `up` is away
      await wait(everyMs)
    }
  })()
  return {
    /** All there is now. */
    seen: async (): Promise<Seen> => {
      await look()
      const sessions = await sessionsOf(product(), 'limit=200')
      const coverage = await coverageOf(product(), beganMs)
      return { sessions, statesAtMs, alerts: [...alerts.values()], coverage }
    },
    stop: async (): Promise<void> => {
      isOver = true
      await running
    },
  }
}
