import { type ChildProcess, spawn } from 'node:child_process'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Command } from 'commander'
import { Endpoints } from '#services/schema/uplink.ts'
import { createFeeder } from './demo/feed.ts'
import { planDays } from './demo/plan.ts'
import { bastion, directory } from './demo/team.ts'

/** A small team's month and one bad day, in a folder and on a port of their own. Needs no root and no sshd. */

const entry = fileURLToPath(new URL('../cli/bartizan.ts', import.meta.url))
const readyLimitMs = 60_000
const consumedLimitMs = 120_000
const mark = 'bartizan-demo'

type Options = { data: string; port: string; days: string; clean?: boolean; exit?: boolean }

const pause = (ms: number) => new Promise((done) => setTimeout(done, ms))
const say = (text: string): void => void process.stderr.write(`${text}\n`)

const isDemo = (data: string): Promise<boolean> =>
  readFile(join(data, mark), 'utf8').then(
    () => true,
    () => false,
  )

/** Only what the demo made is ever removed. */
const clean = async (data: string): Promise<void> => {
  if (!(await isDemo(data))) return say(`${data} holds no demo; nothing is removed`)
  await rm(data, { recursive: true, force: true })
  say(`removed ${data}`)
}

const prepare = async (data: string): Promise<void> => {
  await mkdir(data, { recursive: true, mode: 0o700 })
  await writeFile(join(data, mark), 'made by npm run demo; npm run demo -- --clean removes it\n')
  await writeFile(join(data, 'directory.json'), JSON.stringify(directory, null, 2))
  await writeFile(join(data, 'sshd.log'), '', { flag: 'a' })
}

const start = (data: string, port: string): ChildProcess =>
  spawn(process.execPath, [entry, 'up'], {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      BARTIZAN_DATA: data,
      BARTIZAN_HTTP_PORT: port,
      BARTIZAN_SUDO_PORT: '0',
      BARTIZAN_BASTION: bastion,
      BARTIZAN_OPENSSH_LOG: join(data, 'sshd.log'),
      BARTIZAN_DETECTORS_DIRECTORY_FILE: join(data, 'directory.json'),
      BARTIZAN_SUDO_ALLOWED_UIDS: `0,${process.getuid?.() ?? 0}`,
      BARTIZAN_LOG_LEVEL: 'warn',
    },
  })

const ready = async (data: string, child: ChildProcess): Promise<Endpoints> => {
  const end = Date.now() + readyLimitMs
  while (Date.now() < end && child.exitCode === null) {
    const text = await readFile(join(data, 'endpoints.json'), 'utf8').catch(() => null)
    const endpoints = text === null ? null : Endpoints.parse(JSON.parse(text))
    if (endpoints?.pid === child.pid) return endpoints!
    await pause(100)
  }
  throw new Error('the demo did not start; see the lines above')
}

const ask = async (data: string, { httpPort }: Endpoints, path: string): Promise<{ total: { value: number } }> => {
  const token = (await readFile(join(data, 'owner.token'), 'utf8')).trim()
  const response = await fetch(`http://127.0.0.1:${httpPort}${path}`, { headers: { authorization: `Bearer ${token}` } })
  if (!response.ok) throw new Error(`${path}: ${response.status}`)
  return (await response.json()) as { total: { value: number } }
}

/** The next day may only be told when all of this one has arrived: what is days late is taken for late. */
const untilLogins = async (data: string, endpoints: Endpoints, expected: number): Promise<void> => {
  const end = Date.now() + consumedLimitMs
  while (Date.now() < end) {
    const { total } = await ask(data, endpoints, '/api/events?kind=login&limit=1')
    if (total.value >= expected) return
    await pause(50)
  }
  throw new Error(`of ${expected} logins not all arrived`)
}

const feed = async (data: string, endpoints: Endpoints, historyDays: number): Promise<void> => {
  const { day } = createFeeder({ sudoPort: endpoints.sudoPort, logFile: join(data, 'sshd.log') })
  const days = planDays(Date.now(), historyDays)
  let logins = 0
  for (const [n, one] of days.entries()) {
    const date = new Date(one.startMs).toISOString().slice(0, 10)
    process.stderr.write(`\r${process.stderr.isTTY ? '' : '\n'}day ${n + 1} of ${days.length}: ${date} `)
    logins += (await day(one)).logins
    await untilLogins(data, endpoints, logins)
  }
  say('')
}

const run = async (options: Options): Promise<void> => {
  const data = resolve(options.data)
  if (options.clean) return clean(data)
  const isThere = await isDemo(data)
  await prepare(data)
  const child = start(data, options.port)
  const ended = new Promise<number>((done) => child.once('exit', (code) => done(code ?? 1)))
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill('SIGTERM'))
  const endpoints = await ready(data, child)
  if (isThere) say('The demo is there already and goes on; `npm run demo -- --clean` begins anew.')
  else await feed(data, endpoints, Number(options.days))
  const { total } = await ask(data, endpoints, '/api/alerts?limit=1')
  say(
    `${total.value} alerts wait at http://127.0.0.1:${endpoints.httpPort}/alerts: open the link above first. Ctrl-C ends it.`,
  )
  if (options.exit) child.kill('SIGTERM')
  process.exitCode = await ended
}

await new Command('demo')
  .description('A month of a small team and one bad day, through the real hooks: an alert of each kind to look at.')
  .option('--data <folder>', 'folder of its own', 'demo-data')
  .option('--port <port>', 'of the console', '8090')
  .option('--days <n>', 'of history', '30')
  .option('--clean', 'remove what an earlier demo left')
  .option('--exit', 'end when everything is told')
  .action(run)
  .parseAsync()
