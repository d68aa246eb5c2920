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

const everyMs = 1_000
const newest = 50 // of each look: the rest was there before
const namedStates = ['missing', 'truncated', 'recorder_killed', 'late', 'tunnel_only'] as const
type Api = Pick<Product, 'api'>

const alertPage = async ({ api }: Api, limit: number, cursor: string) => {
  const query = `rule=recording-gap&withdrawn=true&limit=${limit}${cursor && `&cursor=${encodeURIComponent(cursor)}`}`
  return (await api(`/api/alerts?${query}`)) as { items: Alert[]; next: string | null }
}

const allAlerts = async (product: Api): Promise<Alert[]> => {
  const found: Alert[] = []
  for (let cursor: string | null = ''; cursor !== null; ) {
    const page = await alertPage(product, 200, cursor)
    found.push(...page.items)
    cursor = page.next
  }
  return found
}

const newestOf = async ({ api }: Api, state: string): Promise<Session[]> =>
  ((await api(`/api/sessions?state=${state}&limit=${newest}`)) as { items: Session[] }).items

/** The days on which the run was, all bastions. */
const coverageOf = async ({ api }: Api, fromMs: number): Promise<CoverageDay[]> => {
  const [from, to] = [fromMs, Date.now()].map((ms) => new Date(ms).toISOString().slice(0, 10))
  return ((await api(`/api/coverage?from=${from}&to=${to}`)) as { items: CoverageDay[] }).items
}

/** Looks at the API every second, as somebody would who wants to know when the ledger says what. */
export const startWatch = (product: () => Product) => {
  const statesAtMs = new Map<string, number>()
  const alerts = new Map<string, SeenAlert>()
  const beganMs = Date.now()
  let isOver = false

  const note = (id: string, state: string): void => {
    const key = `${id} ${state}`
    if (!statesAtMs.has(key)) statesAtMs.set(key, Date.now())
  }
  const noteAlert = (alert: Alert): void => {
    const key = `${alert.id} ${alert.revision}`
    if (!alerts.has(key)) alerts.set(key, { alert, atMs: Date.now() })
  }
  /** Those of a bastion grow, and are on no first page any more. */
  const growing = () =>
    new Set([...alerts.values()].filter(({ alert }) => alert.user === null).map(({ alert }) => alert.id))
  const lookAtAlerts = async (): Promise<void> => {
    for (const alert of (await alertPage(product(), newest, '')).items) noteAlert(alert)
    for (const id of growing()) noteAlert((await product().api(`/api/alerts/${id}`)) as Alert)
  }
  const lookAtRows = async (): Promise<void> => {
    for (const state of namedStates) for (const { id } of await newestOf(product(), state)) note(id, state)
  }
  const keep = async (look: () => Promise<void>): Promise<void> => {
    while (!isOver) {
      await look().catch(() => {}) // `up` is away
      await wait(everyMs)
    }
  }
  const running = Promise.all([keep(lookAtAlerts), keep(lookAtRows)])
  return {
    /** All there is now. */
    seen: async (): Promise<Seen> => {
      for (const alert of await allAlerts(product())) noteAlert(alert)
      const sessions = await sessionsOf(product(), 'limit=200')
      for (const { id, state } of sessions) if (namedStates.some((named) => named === state)) note(id, state)
      const coverage = await coverageOf(product(), beganMs)
      return { sessions, statesAtMs, alerts: [...alerts.values()], coverage }
    },
    stop: async (): Promise<void> => {
      isOver = true
      await running
    },
  }
}
