import test, { type ExecutionContext } from 'ava'
import { bastionPrograms } from '#test/helpers/bastion.ts'
import { syslogPrograms } from '#test/helpers/bastion-syslog.ts'
import { realTest } from '#test/helpers/real.ts'
import { seededRandom } from '#test/helpers/seeded-random.ts'
import { patience } from '#test/helpers/until.ts'
import { judge, type Verdict } from './ledger-judge.ts'
import { type Lab, startLab } from './ledger-lab.ts'
import { planOf, type Step, type Turn } from './ledger-plan.ts'
import { killAgent, stopAgent, withoutIngest } from './ledger-stages.ts'
import { type Deadlines, dueAfter, type Played, type Truth } from './ledger-truth.ts'
import { startWatch } from './ledger-watch.ts'

const wanted = Number(process.env.TEST_LEDGER_SESSIONS ?? 24)
const isWhole = wanted >= 100 // with the deadlines as they are by default
const atOnce = isWhole ? 20 : 8
const slackMs = (isWhole ? 15_000 : 60_000) * patience // ticks of detectors come every 10 s, 5 s behind
const settleMs = 2_000 // for an alert that nobody should get
const seconds = (ms: number) => Math.round(ms / 100) / 10

const defaults: Deadlines = {
  missing: 60_000,
  tunnel_only: 60_000,
  recorder_killed: 10_000,
  truncated: 30_000,
  silent: 30_000,
}
const short: Deadlines = { missing: 8_000, tunnel_only: 8_000, recorder_killed: 3_000, truncated: 2_000, silent: 3_000 }
const deadlines = isWhole ? defaults : short
const env = isWhole
  ? {}
  : {
      BARTIZAN_DETECTORS_RECORDING_GAP_GRACE_MS: String(short.missing),
      BARTIZAN_SUDO_RESUME_GRACE_MS: String(short.truncated),
      BARTIZAN_AGENT_HEARTBEAT_MS: String(short.silent / 3),
    }

/** So many at a time. Their users take turns. */
const playTurns = async (lab: Lab, turns: readonly Turn[]): Promise<Truth[]> => {
  const truths: Truth[] = []
  const waiting = turns.entries()
  const work = async (): Promise<void> => {
    for (const [at, { deed, nth }] of waiting) truths.push(await deed(lab, lab.users[at % lab.users.length]!, nth))
  }
  await Promise.all(Array.from({ length: atOnce }, work))
  return truths
}

const play = async (lab: Lab, step: Step): Promise<Played> => {
  if (step.does === 'turns') return { truths: await playTurns(lab, step.turns), silences: [], outages: [] }
  if (step.does === 'without ingest') return withoutIngest(lab, isWhole ? 60_000 : 0, () => playTurns(lab, step.turns))
  const users = Array.from({ length: step.open }, (_, n) => lab.users[n % lab.users.length]!)
  return step.does === 'kill agent' ? killAgent(lab, users) : stopAgent(lab, users)
}

const report = (t: ExecutionContext, { lines, complaints }: Verdict): void => {
  for (const line of lines)
    t.log(
      `${line.kind}: ${line.connections} connections, ${line.sessions} sessions, ${line.rightly} rightly, ${line.late} late, ` +
        `${line.wrong} wrong; worst ${seconds(line.worstDelayMs)} s after the fault, ${seconds(line.worstOverMs)} s after the deadline`,
    )
  t.log(`${complaints.length} complaints`)
}

realTest(
  test,
  [...bastionPrograms, ...syslogPrograms, 'scp', 'sftp'],
  `${wanted} sessions through real hooks, with faults: the ledger names each faulted one rightly and in time, and no healthy one (TEST_LEDGER_SESSIONS=1000 for many)`,
  async (t) => {
    t.timeout(45 * 60_000)
    const seed = Number(process.env.BARTIZAN_TEST_SEED ?? Date.now() % 1_000_000)
    t.log(`seed ${seed} (BARTIZAN_TEST_SEED repeats it)`)
    const lab = await startLab(t, { users: Math.max(3, Math.ceil(wanted / 40)), deadlines, env })
    const watch = startWatch(lab.product)
    t.teardown(watch.stop)

    const played: Played = { truths: [], silences: [], outages: [] }
    const beganMs = Date.now()
    for (const step of planOf(wanted, seededRandom(seed))) {
      const { truths, silences, outages } = await play(lab, step)
      played.truths.push(...truths)
      played.silences.push(...silences)
      played.outages.push(...outages)
      t.log(`${seconds(Date.now() - beganMs)} s: ${step.does}, ${played.truths.length} connections so far`)
    }

    const verdict = async () => judge(played, await watch.seen(), slackMs)
    const quietAtMs = Date.now() + Math.max(deadlines.missing, deadlines.tunnel_only) + settleMs
    const lastAtMs = Math.max(
      quietAtMs,
      ...played.truths.map((truth) => dueAfter(truth, played.outages, slackMs) + slackMs),
    )
    let last = await verdict()
    while (Date.now() < quietAtMs || (last.complaints.length > 0 && Date.now() < lastAtMs)) {
      await new Promise((resolve) => setTimeout(resolve, 500))
      last = await verdict()
    }
    await watch.stop()
    report(t, last)
    t.deepEqual(last.complaints, [])
  },
)
