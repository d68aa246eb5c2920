import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { access, readFile, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test, { type ExecutionContext } from 'ava'
import { type Alert, RuleId } from '#services/schema/alert.ts'
import type { Command, List, Session } from '#services/schema/session.ts'
import { openConsole, screenshot, terminalText } from '#test/helpers/console-page.ts'
import { missing } from '#test/helpers/real.ts'
import { killIfAlive } from '#test/helpers/running.ts'
import { type Teardown, temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { until } from '#test/helpers/until.ts'
import { readStory, writeStory } from '../../scripts/demo/folder.ts'
import { planDays } from '../../scripts/demo/plan.ts'

const script = fileURLToPath(new URL('../../scripts/demo.ts', import.meta.url))
const limitMs = 120_000

type Run = { child: ChildProcess; output(): string; exited: Promise<number | null> }

/** As a terminal starts it; `npm run demo` adds nothing but the install. */
const demo = (t: Teardown, data: string, ...args: string[]): Run => {
  const child = spawn(process.execPath, [script, '--data', data, '--port', '0', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH, HOME: process.env.HOME },
  })
  let text = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (text += String(chunk)))
  const exited = new Promise<number | null>((done) => child.once('close', done))
  t.teardown(async () => {
    for (const file of ['endpoints.json', join('agent', 'agent.json')]) {
      const { pid } = JSON.parse(await readFile(join(data, file), 'utf8').catch(() => '{}')) as { pid?: number }
      if (pid) killIfAlive(pid)
    }
    killIfAlive(child.pid!)
  })
  return { child, output: () => text, exited }
}

const untilSaid = (run: Run, words: string): Promise<void> =>
  until(
    () => {
      if (run.child.exitCode !== null) throw new Error(`it ended with ${run.child.exitCode}:\n${run.output()}`)
      return run.output().includes(words)
    },
    { limitMs, what: `it says ${words}` },
  )
const interrupted = (run: Run): Promise<number | null> => {
  run.child.kill('SIGINT')
  return run.exited
}

const urlOf = (run: Run): string => /(http:\/\/127\.0\.0\.1:\d+)\/alerts\n/.exec(run.output())![1]!
const apiOf = async (data: string, url: string) => {
  const token = (await readFile(join(data, 'owner.token'), 'utf8')).trim()
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  return (path: string, init: RequestInit = {}) => fetch(url + path, { ...init, headers })
}
type Api = Awaited<ReturnType<typeof apiOf>>
const listOf = async <T>(api: Api, path: string): Promise<List<T>> => (await (await api(path)).json()) as List<T>

const isThere = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  )

const rulesOf = (alerts: Alert[]): RuleId[] => [...new Set(alerts.map(({ rule }) => rule))].sort()
const linkedSession = async (api: Api, { sessionIds }: Alert): Promise<Session> =>
  (await (await api(`/api/sessions/${sessionIds[0]}`)).json()) as Session
const isReplayable = async (api: Api, alert: Alert): Promise<boolean> =>
  (await api(`/api/sessions/${(await linkedSession(api, alert)).id}/replay/index.json`)).ok
/** Where its link leads is when it happened. */
const opensItsMoment = async (api: Api, alert: Alert): Promise<boolean> => {
  const { startedAt } = await linkedSession(api, alert)
  return Math.abs(Date.parse(startedAt) + alert.atMs! - Date.parse(alert.at)) < 2_000
}

/** In the console, as a person: the link of the alert shows the terminal as it was then. */
const seeEscalation = async (t: ExecutionContext, api: Api, url: string, alert: Alert): Promise<void> => {
  const { items } = await listOf<Command>(api, `/api/sessions/${alert.sessionIds[0]}/commands`)
  const typed = items.find(({ line }) => line === 'sudo -i')!
  t.true(
    Math.abs(typed.atMs - alert.atMs!) < 2_000,
    `sudo was typed at ${typed.atMs}, the alert leads to ${alert.atMs}`,
  )
  const reason = missing('chromium')
  if (reason !== null) return t.log(`the console was not looked at: ${reason}`)
  const page = await openConsole(t, { api: async (path, init) => (await api(path, init)).json() })
  await page.goto(`${url}/alerts/${alert.id}`)
  await page.getByRole('link', { name: /^Watch it at/ }).click()
  await until(async () => (await terminalText(page)).endsWith('sudo-i'), { limitMs, what: 'the terminal as it was' })
  await screenshot(page, 'demo-escalation')
  await page.context().close()
}

test.serial(
  'npm run demo is cut short, goes on, ends in an alert of each rule that leads to its moment, and is removed',
  async (t) => {
    t.timeout(10 * 60_000)
    const data = join(await temporaryFolder(t), 'demo')
    const first = demo(t, data)
    await untilSaid(first, 'Day 3 of')
    t.is(await interrupted(first), 0, first.output())
    t.true(first.output().includes('goes on from here'))

    const second = demo(t, data)
    await untilSaid(second, 'Ctrl-C ends it')
    t.false(second.output().includes('Day 1 of'), 'what was told is not told again')
    const again = demo(t, data, '--clean')
    t.is(await again.exited, 1)
    t.true(again.output().includes('runs already'), 'what runs is not removed')
    const api = await apiOf(data, urlOf(second))
    const story = (await readStory(data))!
    const visits = planDays(story.plannedMs, story.historyDays).flatMap((day) => day.visits)
    t.is((await listOf(api, '/api/events?kind=login&limit=1')).total.value, visits.length)
    t.is((await listOf(api, '/api/sessions?limit=1')).total.value, visits.length)

    const unwatched: readonly RuleId[] = ['auth-failures', 'recording-gap'] // nobody came in, and nobody recorded
    let alerts: Alert[] = []
    const linked = () => alerts.filter(({ sessionIds }) => sessionIds.length > 0)
    await until(
      async () => {
        const { items } = await listOf<Alert>(api, '/api/alerts?limit=500')
        alerts = items.filter(({ severity }) => severity !== 'info')
        return rulesOf(linked()).length === RuleId.options.length - unwatched.length
      },
      { limitMs, what: 'a session for each alert about somebody who came in' },
    )
    t.deepEqual(rulesOf(alerts), [...RuleId.options].sort())
    for (const { id } of alerts) t.true(second.output().includes(`/alerts/${id}\n`))
    const withSession = linked()
    t.deepEqual(
      rulesOf(withSession),
      rulesOf(alerts).filter((rule) => !unwatched.includes(rule)),
    )
    for (const alert of withSession) t.true(await isReplayable(api, alert), JSON.stringify(alert))
    // What was fetched on a day is an alert about several sessions: no one moment is all of it.
    for (const alert of withSession.filter(({ rule }) => rule !== 'bulk-transfer'))
      t.true(await opensItsMoment(api, alert), JSON.stringify(alert))
    await seeEscalation(t, api, urlOf(second), alerts.find(({ rule }) => rule === 'privilege-escalation')!)
    t.is(await interrupted(second), 0, second.output())

    const third = demo(t, data, '--exit')
    t.is(await third.exited, 0, third.output())
    t.true(third.output().includes('told before'))
    t.is(await demo(t, data, '--clean').exited, 0)
    t.false(await isThere(data))
  },
)

test.serial('a demo that was killed within a day begins anew', async (t) => {
  t.timeout(5 * 60_000)
  const data = await temporaryFolder(t)
  await writeStory(data, { plannedMs: Date.now(), historyDays: 35, daysTold: 7, within: true })
  await writeFile(join(data, 'sshd.log'), 'half of a day')
  const run = demo(t, data)
  await untilSaid(run, 'told from the beginning')
  await untilSaid(run, 'Day 1 of')
  t.is(await interrupted(run), 0, run.output())
  t.false((await readFile(join(data, 'sshd.log'), 'utf8')).includes('half of a day'))
})

test.serial('the demo leaves alone what is not its own, and says so when it cannot start', async (t) => {
  const data = await temporaryFolder(t)
  await writeFile(join(data, 'owner.token'), 'of a real instance')
  const refused = demo(t, data)
  t.is(await refused.exited, 1)
  t.true(refused.output().includes('holds something that is not a demo'), refused.output())
  t.is(await demo(t, data, '--clean').exited, 0)
  t.is(await readFile(join(data, 'owner.token'), 'utf8'), 'of a real instance')

  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const { port } = server.address() as AddressInfo
  const elsewhere = join(data, 'demo')
  const without = demo(t, elsewhere, '--port', String(port))
  t.is(await without.exited, 1)
  t.true(without.output().includes(`port ${port} is taken`), without.output())
  t.false(await isThere(elsewhere))
})
