import { spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import test, { type ExecutionContext } from 'ava'
import type { Alert } from '#services/schema/alert.ts'
import type { SessionEvent } from '#services/schema/session-event.ts'
import {
  eventRecords,
  fastClock,
  generateEvents,
  lastAlerts,
  openDetectorBackends,
  openRunner,
  settleRunners,
  shuffled,
} from '#test/helpers/detector-runner.ts'
import { seededRandom } from '#test/helpers/seeded-random.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'

const childFile = fileURLToPath(new URL('../../helpers/detector-child.ts', import.meta.url))
const seed = Number(process.env.DETECTORS_SEED ?? randomInt(2 ** 31))
const events = generateEvents(seed, 2_000)
const kills = 20

const alertsOf = async (t: ExecutionContext, arriving: SessionEvent[], workers: number): Promise<Alert[]> => {
  const backends = await openDetectorBackends(await temporaryFolder(t), fastClock)
  t.teardown(backends.close)
  const runners = await Promise.all(Array.from({ length: workers }, () => openRunner(backends)))
  t.teardown(() => Promise.all(runners.map((runner) => runner.close())))
  for (let from = 0; from < arriving.length; from += 100) {
    await backends.bus.produce(eventRecords(arriving.slice(from, from + 100)))
    await runners[0]!.tick()
  }
  await settleRunners(backends.bus, runners)
  return lastAlerts(backends.bus)
}
const inOrder = new Map<string, Promise<Alert[]>>()
const expected = (t: ExecutionContext): Promise<Alert[]> => {
  const known = inOrder.get('one') ?? alertsOf(t, events, 1)
  inOrder.set('one', known)
  return known
}

test.serial('the order of arrival and the number of workers change nothing in the last alerts', async (t) => {
  t.log(`DETECTORS_SEED=${seed}`)
  const alerts = await expected(t)
  t.true(alerts.length > 50, `${alerts.length} alerts`)
  for (const workers of [1, 3]) t.deepEqual(await alertsOf(t, shuffled(events, seed + workers), workers), alerts)
})

/** Runs until it has sent so many more lines, or to its end; gives how many the bus has. */
const runChild = async (t: ExecutionContext, args: string[], until: number): Promise<number> => {
  const child = spawn(process.execPath, [childFile, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.teardown(() => child.kill('SIGKILL'))
  const ended = once(child, 'close')
  let sent = Number(args[2])
  for await (const line of createInterface({ input: child.stdout })) {
    sent = Number(line)
    if (sent >= until) child.kill('SIGKILL')
  }
  const [code, signal] = await ended
  t.true(until === Number.POSITIVE_INFINITY ? code === 0 : signal === 'SIGKILL', `${code} ${signal}`)
  return sent
}

test.serial('kill -9 at twenty moments changes nothing in the last alerts', async (t) => {
  t.timeout(120_000)
  t.log(`DETECTORS_SEED=${seed}`)
  const random = seededRandom(seed)
  const folder = await temporaryFolder(t)
  const eventFile = join(folder, 'events.ndjson')
  await writeFile(
    eventFile,
    shuffled(events, seed)
      .map((event) => `${JSON.stringify(event)}\n`)
      .join(''),
  )
  let sent = 0
  for (let killed = 0; killed < kills; killed++) {
    // What was sent and not acknowledged before the kill is sent again.
    const until = Math.min(sent + 20 + Math.floor(random() * 160), 1_960)
    sent = await runChild(t, [folder, eventFile, `${sent}`, '3'], until)
  }
  await runChild(t, [folder, eventFile, `${sent}`, '3'], Number.POSITIVE_INFINITY)
  const backends = await openDetectorBackends(folder, fastClock)
  t.teardown(backends.close)
  t.deepEqual(await lastAlerts(backends.bus), await expected(t))
})
