import { spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import test, { type ExecutionContext } from 'ava'
import { createPrograms } from '#detectors/programs.ts'
import { type Alert, RuleId } from '#services/schema/alert.ts'
import type { SessionEvent } from '#services/schema/session-event.ts'
import {
  arriving,
  createPace,
  eventRecords,
  fastClock,
  lastAlerts,
  openDetectorBackends,
  openRunner,
  ownBackends,
  replayed,
  settleRunners,
} from '#test/helpers/detector-runner.ts'
import { directoryOf } from '#test/helpers/directory-of.ts'
import { generateWeeks } from '#test/helpers/generated-weeks.ts'
import { seededRandom } from '#test/helpers/seeded-random.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'

const childFile = fileURLToPath(new URL('../../helpers/detector-child.ts', import.meta.url))
const seed = Number(process.env.DETECTORS_SEED ?? randomInt(2 ** 31))
const kills = 20
const weeks = generateWeeks(seed)
const directory = directoryOf(weeks.directory)
const programs = createPrograms()

const byDay = (events: SessionEvent[]): SessionEvent[][] => [
  ...Map.groupBy(events, ({ at }) => at.slice(0, 10)).values(),
]
/** Month and days; what arrives on the days does so in an order of its own. */
const arrivals = (arrivalSeed: number): SessionEvent[][] => [
  ...byDay(weeks.history),
  ...arriving(weeks.days, arrivalSeed),
]

const alertsOf = async (t: ExecutionContext, groups: SessionEvent[][], workers: number): Promise<Alert[]> => {
  const backends = await ownBackends(t)
  const open = () => openRunner(backends, { programs, directory })
  const runners = await Promise.all(Array.from({ length: workers }, open))
  t.teardown(() => Promise.all(runners.map((runner) => runner.close())))
  const pace = createPace(backends.bus, runners)
  for (const group of groups) {
    await pace(group)
    await backends.bus.produce(eventRecords(group))
    for (const runner of runners) await runner.tick()
  }
  await settleRunners(backends.bus, runners)
  return lastAlerts(backends.bus)
}

const expected = replayed([...weeks.history, ...weeks.days], programs, directory)

test.serial('all seven rules find something in what is compared', (t) => {
  const found = expected.filter(({ severity }) => severity !== 'info').map(({ rule }) => rule)
  t.deepEqual([...new Set(found)].sort(), RuleId.options.toSorted())
})

test.serial('the order of arrival and the number of workers change nothing in the last alerts', async (t) => {
  t.timeout(10 * 60_000)
  t.log(`DETECTORS_SEED=${seed}`)
  for (const workers of [1, 3]) t.deepEqual(await alertsOf(t, arrivals(seed + workers), workers), expected)
})

/** Starts before it is needed: loading takes longer than most of what is done then. */
const startChild = (t: ExecutionContext, folder: string, eventFile: string, directoryFile: string) => {
  const env = { ...process.env, NODE_COMPILE_CACHE: join(folder, 'compiled') }
  const args = [childFile, folder, eventFile, directoryFile, '3']
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'], env })
  t.teardown(() => child.kill('SIGKILL'))
  const ended = once(child, 'close')
  return {
    /** Until the bus has so many lines, or to the end; gives how many it has. */
    run: async (from: number, until: number): Promise<number> => {
      child.stdin.write(`${from}\n`)
      let sent = from
      for await (const line of createInterface({ input: child.stdout })) {
        sent = Number(line)
        if (sent >= until) child.kill('SIGKILL')
      }
      const [code, signal] = await ended
      t.true(until === Number.POSITIVE_INFINITY ? code === 0 : signal === 'SIGKILL', `${code} ${signal}`)
      return sent
    },
  }
}

test.serial('kill -9 at twenty moments changes nothing in the last alerts', async (t) => {
  t.timeout(10 * 60_000)
  t.log(`DETECTORS_SEED=${seed}`)
  const random = seededRandom(seed)
  const folder = await temporaryFolder(t)
  const groups = arrivals(seed)
  const [eventFile, directoryFile] = [join(folder, 'events.ndjson'), join(folder, 'directory.json')]
  await writeFile(directoryFile, JSON.stringify(weeks.directory))
  await writeFile(eventFile, groups.map((group) => `${JSON.stringify(group)}\n`).join(''))
  let sent = 0
  let next = startChild(t, folder, eventFile, directoryFile)
  for (let killed = 0; killed < kills; killed++) {
    const child = next
    next = startChild(t, folder, eventFile, directoryFile)
    // What was sent and not acknowledged before the kill is sent again.
    sent = await child.run(
      sent,
      Math.min(sent + 1 + Math.floor((random() * 2 * groups.length) / kills), groups.length - 1),
    )
  }
  await next.run(sent, Number.POSITIVE_INFINITY)
  const backends = await openDetectorBackends(folder, fastClock)
  t.teardown(backends.close)
  t.deepEqual(await lastAlerts(backends.bus), expected)
})
