import { spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import test, { type ExecutionContext } from 'ava'
import { createReplay } from '#detectors/backtest/replay.ts'
import { noGeo } from '#detectors/geo/geo.ts'
import type { Alert } from '#services/schema/alert.ts'
import { DetectorSettings } from '#services/schema/detector-settings.ts'
import type { SessionEvent } from '#services/schema/session-event.ts'
import {
  arriving,
  eventRecords,
  fastClock,
  generateEvents,
  lastAlerts,
  openDetectorBackends,
  openRunner,
  settleRunners,
} from '#test/helpers/detector-runner.ts'
import { quietDirectory } from '#test/helpers/quiet-directory.ts'
import { seededRandom } from '#test/helpers/seeded-random.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { toyPrograms } from '#test/helpers/toy-programs.ts'

const childFile = fileURLToPath(new URL('../../helpers/detector-child.ts', import.meta.url))
const seed = Number(process.env.DETECTORS_SEED ?? randomInt(2 ** 31))
const events = generateEvents(seed, 2_000)
const kills = 20

/** What the engine says of them in their order, without a bus. */
const expected = (): Alert[] => {
  const settings = DetectorSettings.parse({})
  const context = { directory: quietDirectory, geo: noGeo, settings }
  const replay = createReplay({ programs: toyPrograms, context, horizonMs: settings.horizonMs })
  for (const event of events) replay.take(event)
  // The live ones see that nothing came after the last event.
  const afterMs = Date.parse(events.at(-1)!.at) + 3_600_000
  const alerts = [...replay.closed(), ...replay.end(afterMs)]
  return alerts.sort((a, b) => (a.id < b.id ? -1 : 1))
}
const alertsOf = async (t: ExecutionContext, groups: SessionEvent[][], workers: number): Promise<Alert[]> => {
  const backends = await openDetectorBackends(await temporaryFolder(t), fastClock)
  t.teardown(backends.close)
  const runners = await Promise.all(Array.from({ length: workers }, () => openRunner(backends)))
  t.teardown(() => Promise.all(runners.map((runner) => runner.close())))
  for (const group of groups) {
    await backends.bus.produce(eventRecords(group))
    for (const runner of runners) await runner.tick()
  }
  await settleRunners(backends.bus, runners)
  return lastAlerts(backends.bus)
}

test.serial('the order of arrival and the number of workers change nothing in the last alerts', async (t) => {
  t.log(`DETECTORS_SEED=${seed}`)
  const alerts = expected()
  t.true(alerts.length > 50, `${alerts.length} alerts`)
  for (const workers of [1, 3]) t.deepEqual(await alertsOf(t, arriving(events, seed + workers), workers), alerts)
})

/** Starts before it is needed: loading takes longer than most of what is done then. */
const startChild = (t: ExecutionContext, folder: string, eventFile: string) => {
  const env = { ...process.env, NODE_COMPILE_CACHE: join(folder, 'compiled') }
  const args = [childFile, folder, eventFile, '3']
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
  const groups = arriving(events, seed)
  const eventFile = join(folder, 'events.ndjson')
  await writeFile(eventFile, groups.map((group) => `${JSON.stringify(group)}\n`).join(''))
  let sent = 0
  let next = startChild(t, folder, eventFile)
  for (let killed = 0; killed < kills; killed++) {
    const child = next
    next = startChild(t, folder, eventFile)
    // What was sent and not acknowledged before the kill is sent again.
    sent = await child.run(
      sent,
      Math.min(sent + 1 + Math.floor((random() * 2 * groups.length) / kills), groups.length - 1),
    )
  }
  await next.run(sent, Number.POSITIVE_INFINITY)
  const backends = await openDetectorBackends(folder, fastClock)
  t.teardown(backends.close)
  t.deepEqual(await lastAlerts(backends.bus), expected())
})
