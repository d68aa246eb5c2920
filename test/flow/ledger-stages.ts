import type { Alert } from '#services/schema/alert.ts'
import type { Account } from '#test/helpers/bastion-accounts.ts'
import { sessionsOf } from '#test/helpers/recorded.ts'
import { until } from '#test/helpers/until.ts'
import { startClient } from './ledger-clients.ts'
import { faulty, healthy, openShell } from './ledger-deeds.ts'
import type { Lab } from './ledger-lab.ts'
import type { Played, Truth } from './ledger-truth.ts'

/** What hits everybody on the bastion at once: nothing else runs meanwhile. */

const restartMs = 3_000

const rest = (sinceMs: number, longMs: number, what: string): Promise<void> =>
  until(() => Date.now() - sinceMs >= longMs, { limitMs: longMs + 10_000, everyMs: 100, what })

const openShells = (lab: Lab, users: readonly Account[]) =>
  Promise.all(
    users.map(async (user) => {
      const sourceIp = lab.newAddress()
      return { user, sourceIp, client: await openShell(lab, user, sourceIp) }
    }),
  )

/** Else it may take longer than a recording is waited for until its successor has said that they began. */
const untilListed = ({ product }: Lab, open: readonly { sourceIp: string }[]): Promise<void> =>
  until(
    async () => {
      const found = open.map(({ sourceIp }) => sessionsOf(product(), `sourceIp=${sourceIp}`))
      return (await Promise.all(found)).every((sessions) => sessions.some(({ recorded }) => recorded))
    },
    { limitMs: 60_000, everyMs: 250, what: 'open sessions listed' },
  )

/** kill -9 of the agent: sudo ends what it can no longer record, and its successor waits for it in vain. */
export const killAgent = async (lab: Lab, users: readonly Account[]): Promise<Played> => {
  const open = await openShells(lab, users)
  await untilListed(lab, open)
  const killedAtMs = await lab.killAgent()
  const backAtMs = Date.now()
  await Promise.all(open.map(({ client }) => client.ended))
  await rest(killedAtMs, lab.deadlines.truncated + restartMs, 'the successor') // one that is killed, too, waits anew
  const truths = open.map(({ user, sourceIp }) => ({
    ...faulty(lab, 'agent killed', user, sourceIp, 'truncated', killedAtMs),
    dueAtMs: backAtMs + lab.deadlines.truncated,
  }))
  return { truths, silences: [], outages: [{ fromMs: killedAtMs, toMs: backAtMs, countsAgain: false }] }
}

const asksAgainMs = 10_000 // an agent whose receiver is away

/** kill -9 of `up`: the agent goes on. */
export const withoutIngest = async (lab: Lab, awayMs: number, play: () => Promise<Truth[]>): Promise<Played> => {
  await lab.killIngest()
  const sinceMs = Date.now()
  const played = await play()
  await rest(sinceMs, awayMs, 'the outage')
  await lab.startIngest()
  const truths = played.map((truth) => ({ ...truth, kind: 'ingest away' as const }))
  const outage = { fromMs: sinceMs, toMs: Date.now() + asksAgainMs, countsAgain: true }
  return { truths, silences: [], outages: [outage] }
}

const refusedMs = 15_000 // sudoers waits 10 s for the log server

/** Nobody gets a recording while the agent stands still: sudo refuses, and sshd has written that a session starts. */
const refusedLogin = async (lab: Lab, user: Account): Promise<Truth> => {
  const sourceIp = lab.newAddress()
  const startedAtMs = Date.now()
  const client = startClient('ssh', lab.recorded, sourceIp, ['-n', `${user.name}@127.0.0.1`, '--', 'exit 7'])
  const code = await client.ended
  if (code === 7) throw new Error('a session ran while its agent stood still')
  return faulty(lab, 'agent stopped', user, sourceIp, 'missing', startedAtMs)
}

/** Until the ledger says it, or it is far too late for that: judged with all the rest. */
const untilSilent = async ({ product }: Lab, stoppedAtMs: number): Promise<void> => {
  const isNamed = async (): Promise<boolean> => {
    const { items } = (await product().api('/api/alerts?rule=recording-gap&limit=200')) as { items: Alert[] }
    return items.some(({ gap, lastEventAt }) => gap === 'agent_silent' && Date.parse(lastEventAt) > stoppedAtMs)
  }
  await until(isNamed, { limitMs: 20_000, everyMs: 250 }).catch(() => {})
}

/** SIGSTOP of the agent; sessions that were open go on when it does. */
export const stopAgent = async (lab: Lab, users: readonly Account[]): Promise<Played> => {
  const { silent } = lab.deadlines
  const open = await openShells(lab, users)
  await lab.signalAgent('SIGSTOP')
  const stoppedAtMs = Date.now()
  const logins = silent > refusedMs ? users.slice(0, 3) : []
  const refused = await Promise.all(logins.map((user) => refusedLogin(lab, user)))
  await rest(stoppedAtMs, silent, 'silence')
  await untilSilent(lab, stoppedAtMs)
  await lab.signalAgent('SIGCONT')
  const backAtMs = Date.now()
  for (const { client } of open) client.type('exit 7\n')
  await Promise.all(open.map(({ client }) => client.ended))
  const truths = [
    ...open.map(({ user, sourceIp }) => ({ ...healthy('agent stopped', user, sourceIp), mayBeLate: true })),
    ...refused,
  ]
  return {
    truths,
    silences: [{ faultAtMs: stoppedAtMs, dueAtMs: stoppedAtMs + silent }],
    outages: [{ fromMs: stoppedAtMs, toMs: backAtMs, countsAgain: false }],
  }
}
