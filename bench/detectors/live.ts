import { setTimeout as sleep } from 'node:timers/promises'
import type { Bus } from '#services/bus/bus.ts'
import type { Alert } from '#services/schema/alert.ts'
import { until } from '#test/helpers/until.ts'
import { at } from '../cluster/typed-until-found.ts'
import { type Stages, token } from './stages.ts'

/** From the request that hands over the event that makes an alert, until the alert can be read. */

const rule = 'auth-success-after-failures' // its events go by their network to their user: the longest way
const failures = 6
const everyMs = 100
const askEveryMs = 10
const ordinaryEveryMs = 20
const limitMs = 120_000
const bastion = 'bench-bastion'

const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/x-ndjson' }
const send = async ({ url }: Stages, events: object[]): Promise<void> => {
  const body = events.map((event) => `${JSON.stringify(event)}\n`).join('')
  const answer = await fetch(`${url}/api/ingest/events`, { method: 'POST', headers, body })
  const { accepted } = (await answer.json()) as { accepted?: number }
  if (accepted !== events.length) throw new Error(`${answer.status}: ${accepted} of ${events.length} events taken`)
}

const userOf = (run: string, n: number): string => `victim-${run}-${n}`
const authOf = (run: string, n: number, kind: 'login' | 'login_failed', attempt: number, atMs: number) => ({
  id: `${run}-${n}-${kind}-${attempt}`,
  at: new Date(atMs).toISOString(),
  kind,
  source: 'openssh',
  bastion,
  user: userOf(run, n),
  sourceIp: `203.0.${n % 256}.${10 + Math.floor(n / 256)}`,
  method: 'password',
  outcome: kind === 'login' ? 'success' : 'failure',
  ...(kind === 'login_failed' && { reason: 'bad_password' }),
})
const ordinaryOf = (run: string, n: number) => ({
  id: `${run}-ordinary-${n}`,
  at: new Date().toISOString(),
  kind: 'command',
  source: 'sudo',
  bastion: `bench-bastion-${n % 8}`,
  user: `person-${n % 100}`,
  sessionId: `${run}-${n % 100}`,
  argv: ['tail', '-n', '200', '/var/log/app/current.log'],
  line: 'tail -n 200 /var/log/app/current.log',
  via: 'exec',
  atMs: n,
})

/** Goes on in the background until it is stopped; gives what it really sent per second. */
const keepSending = (stages: Stages, run: string, perSecond: number) => {
  const startedMs = performance.now()
  let [sent, isStopped] = [0, false]
  const sending = (async () => {
    while (!isStopped) {
      const due = Math.floor(((performance.now() - startedMs) / 1000) * perSecond) - sent
      const events = Array.from({ length: Math.min(due, 2_000) }, () => ordinaryOf(run, sent++))
      if (events.length > 0) await send(stages, events)
      await sleep(ordinaryEveryMs)
    }
  })()
  return async (): Promise<number> => {
    isStopped = true
    await sending
    return Math.round(sent / ((performance.now() - startedMs) / 1000))
  }
}

type Seen = Map<string, number> // when, by user
const isOurs = (alert: Alert, run: string): boolean =>
  alert.rule === rule && (alert.user ?? '').startsWith(`victim-${run}-`)
const note = (seen: Seen, user: string): void => {
  if (!seen.has(user)) seen.set(user, performance.now())
}

const watchTopic = async (bus: Bus, run: string) => {
  const seen: Seen = new Map()
  const subscription = await bus.subscribe(
    { group: `bench-${run}`, topics: ['alerts'] },
    {
      onRecords: async ({ partition, records }) => {
        for (const { value } of records) {
          const alert = JSON.parse(Buffer.from(value).toString()) as Alert
          if (isOurs(alert, run)) note(seen, alert.user!)
        }
        await subscription.commit({ topic: 'alerts', partition }, records.at(-1)!.offset + 1)
      },
    },
  )
  return { seen, stop: subscription.close }
}
const watchApi = ({ url }: Stages, run: string) => {
  const seen: Seen = new Map()
  let isStopped = false
  const asking = (async () => {
    while (!isStopped) {
      const answer = await fetch(`${url}/api/alerts?rule=${rule}&limit=200`, { headers })
      if (!answer.ok) throw new Error(`alerts: ${answer.status}`)
      const { items } = (await answer.json()) as { items: Alert[] }
      for (const alert of items) if (isOurs(alert, run)) note(seen, alert.user!)
      await sleep(askEveryMs)
    }
  })()
  return {
    seen,
    stop: async () => {
      isStopped = true
      await asking
    },
  }
}

const figuresOf = (sentMs: number[], run: string, seen: Seen) => {
  const took = sentMs.map((ms, n) => seen.get(userOf(run, n))! - ms).sort((a, b) => a - b)
  return { p50: at(took, 0.5), p99: at(took, 0.99), longest: Math.round(took.at(-1)!) }
}

export const measureLive = async (stages: Stages, alerts: number, perSecond: number) => {
  const run = `${perSecond}x${process.pid}`
  const beforeMs = Date.now() - 60_000
  const attempts = Array.from({ length: alerts }, (_, n) =>
    Array.from({ length: failures }, (_, attempt) => authOf(run, n, 'login_failed', attempt, beforeMs + attempt)),
  )
  await send(stages, attempts.flat())
  const stopSending = keepSending(stages, run, perSecond)
  const [topic, api] = [await watchTopic(stages.bus, run), watchApi(stages, run)]
  await sleep(3_000) // what starts, starts before it is measured
  const sentMs: number[] = []
  for (let n = 0; n < alerts; n++) {
    sentMs.push(performance.now())
    await send(stages, [authOf(run, n, 'login', 0, Date.now())])
    await sleep(Math.max(0, everyMs - (performance.now() - sentMs[n]!)))
  }
  await until(() => topic.seen.size >= alerts && api.seen.size >= alerts, { limitMs, what: 'all alerts' })
  const really = await stopSending()
  await Promise.all([topic.stop(), api.stop()])
  const [onTopic, overHttp] = [figuresOf(sentMs, run, topic.seen), figuresOf(sentMs, run, api.seen)]
  return {
    'events/s': really,
    alerts,
    'topic p50 ms': onTopic.p50,
    'topic p99 ms': onTopic.p99,
    'API p50 ms': overHttp.p50,
    'API p99 ms': overHttp.p99,
    'API longest ms': overHttp.longest,
  }
}
