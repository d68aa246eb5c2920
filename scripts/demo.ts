import { resolve } from 'node:path'
import { Command, InvalidArgumentError } from 'commander'
import { BartizanError } from '#services/errors.ts'
import { linesOf, untilAlerted } from './demo/alerts.ts'
import { makeDemoFolder, readStory, refuseWhileRunning, removeDemo, type Story } from './demo/folder.ts'
import { checkPort, type Instance, startInstance } from './demo/instance.ts'
import { tell } from './demo/tell.ts'

/** A small team's month and one bad day, in a folder and on a port of their own. Needs no root and no sshd. */

/** Rules learn for weeks; what the end of a month is like they know after 31 days. Whole weeks: all days as often. */
const leastDays = 35

type Options = { data: string; port: number; days: number; clean?: boolean; exit?: boolean }

const say = (text: string): void => void process.stdout.write(`${text}\n`)
/** One line that changes, on a terminal. */
const sayDay = (text: string): void =>
  process.stdout.isTTY ? void process.stdout.write(`\r\u001b[K${text} `) : say(text)

const clean = async (data: string): Promise<void> =>
  say((await removeDemo(data)) ? `Removed ${data}.` : `There is no demo in ${data}; nothing was removed.`)

/** The folder, and the story as it can go on there. */
const prepare = async (data: string, historyDays: number): Promise<Story> => {
  const before = await readStory(data)
  if (before?.within) {
    say('The last demo was cut off within a day; it is told from the beginning.')
    await removeDemo(data)
  }
  const story =
    before === null || before.within ? { plannedMs: Date.now(), historyDays, daysTold: 0, within: false } : before
  await makeDemoFolder(data, story)
  return story
}

/** The first signal lets the day be told to its end, so that the next start goes on after it; the second does not. */
const stopOnSignal = (instance: Instance): AbortSignal => {
  const stopping = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => {
      if (stopping.signal.aborted) void instance.stop()
      stopping.abort()
    })
  return stopping.signal
}

const untilAborted = (signal: AbortSignal): Promise<void> =>
  new Promise((done) => (signal.aborted ? done() : signal.addEventListener('abort', () => done())))

const present = async (instance: Instance, data: string, signal: AbortSignal): Promise<void> => {
  const alerts = await untilAlerted(instance, signal)
  say(`
${alerts.length} alerts:
${linesOf(alerts, instance.url)}

Sign in      ${await instance.link()}
             (good once, for 15 minutes; BARTIZAN_DATA=${data} ./bartizan login makes another)
then open    ${instance.url}/alerts

Ctrl-C ends it; \`npm run demo\` shows it again, \`npm run demo -- --clean\` removes it.`)
}

const play = async (instance: Instance, story: Story, { data, exit }: Options): Promise<void> => {
  const signal = stopOnSignal(instance)
  const outcome = await tell({ instance, data, story, signal, onDay: sayDay })
  if (outcome === 'stopped') return say('\nCut short; `npm run demo` goes on from here.')
  if (outcome === 'nothing new') say('All of it was told before.')
  await present(instance, data, signal)
  if (!exit) await Promise.race([untilAborted(signal), instance.exit])
}

const run = async (options: Options): Promise<void> => {
  const data = resolve(options.data)
  if (options.clean) return clean(data)
  await refuseWhileRunning(data)
  await checkPort(options.port)
  const story = await prepare(data, options.days)
  say(`Starting Bartizan in ${data} …`)
  const instance = await startInstance(data, options.port)
  try {
    await play(instance, story, { ...options, data })
  } finally {
    say('Stopping …')
    process.exitCode = await instance.stop()
  }
}

const whole = (least: number, most: number) => (text: string) => {
  const n = Number(text)
  if (!Number.isInteger(n) || n < least || n > most)
    throw new InvalidArgumentError(`It is a whole number from ${least} to ${most}.`)
  return n
}

const demo = new Command('demo')
  .description('A month of a small team and one bad day, through the real hooks: an alert of each kind to look at.')
  .option('--data <folder>', 'folder of its own', 'demo-data')
  .option('--port <port>', 'of the console; 0 = any free one', whole(0, 65_535), 8090)
  .option('--days <n>', 'of history', whole(leastDays, 60), leastDays)
  .option('--clean', 'remove what an earlier demo left')
  .option('--exit', 'end when everything is told')
  .action(run)

try {
  await demo.parseAsync()
} catch (error) {
  const text = error instanceof BartizanError ? `${error.message}\n  ${error.hint ?? ''}` : (error as Error).stack
  process.stderr.write(`demo: ${text}\n`)
  process.exit(1)
}
