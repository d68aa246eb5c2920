import { spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isDeepStrictEqual } from 'node:util'
import test, { type ExecutionContext } from 'ava'
import { createPrograms } from '#detectors/programs.ts'
import { groups } from '#detectors/runner/runner.ts'
import type { Bus, GroupLag, Topic } from '#services/bus/bus.ts'
import type { SessionEvent } from '#services/schema/session-event.ts'
import { onServices } from '#test/helpers/cluster.ts'
import { arriving, eventRecords, lastAlerts, replayed } from '#test/helpers/detector-runner.ts'
import { directoryOf } from '#test/helpers/directory-of.ts'
import { generateWeeks } from '#test/helpers/generated-weeks.ts'
import { ownElastic } from '#test/helpers/open-elastic-catalog.ts'
import { ownKafkaPlace } from '#test/helpers/open-kafka-bus.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { until } from '#test/helpers/until.ts'

const childFile = fileURLToPath(new URL('../../helpers/detector-kafka-child.ts', import.meta.url))
const seed = Number(process.env.DETECTORS_SEED ?? randomInt(2 ** 31))

const startWorker = async (t: ExecutionContext, settingsFile: string) => {
  const child = spawn(process.execPath, [childFile, settingsFile], { stdio: ['pipe', 'pipe', 'inherit'] })
  const ended = once(child, 'close')
  child.stdin.on('error', () => {}) // of one that was killed
  t.teardown(async () => {
    child.stdin.end()
    await ended
  })
  await once(child.stdout, 'data')
  return child
}
const rowsOf = async (bus: Bus, group: string, topic: Topic): Promise<GroupLag[]> =>
  (await bus.lag()).filter((row) => row.group === group && row.topic === topic)

/** The workers' own ticks go on meanwhile: what was there is read, and then what the networks made of it. */
const untilRead = async (bus: Bus, sent: number): Promise<void> => {
  const wait = { limitMs: 120_000, everyMs: 100 }
  const isRepartitioned = async (): Promise<boolean> =>
    (await rowsOf(bus, groups.repartition, 'session-events')).reduce((sum, { committed }) => sum + committed, 0) >= sent
  await until(isRepartitioned, { ...wait, what: 'all is repartitioned' })
  for (let hop = 0; hop < 2; hop++) {
    const before = await rowsOf(bus, groups.entities, 'entity-events')
    const isJudged = async (): Promise<boolean> => {
      const now = await rowsOf(bus, groups.entities, 'entity-events')
      const isPast = (row: GroupLag) =>
        row.committed >= (before.find((one) => one.partition === row.partition)?.end ?? 0)
      return now.length === bus.partitions('entity-events') && now.every(isPast)
    }
    await until(isJudged, { ...wait, what: 'all is judged' })
  }
}
const dayOf = ([first]: SessionEvent[]): number => Math.floor(Date.parse(first!.at) / 86_400_000)

onServices(test, (services) => {
  test('three workers on Kafka, one of them killed, find what the backtest finds', async (t) => {
    t.timeout(5 * 60_000)
    t.log(`DETECTORS_SEED=${seed}`)
    const weeks = generateWeeks(seed)
    const elasticsearch = ownElastic(t, services.elasticsearch.url)
    const place = ownKafkaPlace(t, services.kafka.brokers)
    const bus = await place.open()
    t.teardown(bus.close)
    const settingsFile = join(await temporaryFolder(t), 'settings.json')
    await writeFile(settingsFile, JSON.stringify({ kafka: place.settings, elasticsearch, directory: weeks.directory }))
    const workers = await Promise.all(Array.from({ length: 3 }, () => startWorker(t, settingsFile)))

    const arrivals = arriving(weeks.days, seed)
    let [sent, readDay] = [0, dayOf(arrivals[0]!)]
    for (const [n, group] of arrivals.entries()) {
      if (dayOf(group) >= readDay + 2) {
        await untilRead(bus, sent)
        readDay = dayOf(group)
      }
      await bus.produce(eventRecords(group))
      sent += group.length
      if (n === Math.floor(arrivals.length / 2)) workers[0]!.kill('SIGKILL')
    }
    await untilRead(bus, sent)
    const expected = replayed(weeks.days, createPrograms(), directoryOf(weeks.directory))
    t.true(new Set(expected.map(({ rule }) => rule)).size >= 4)
    const isFound = async () => isDeepStrictEqual(await lastAlerts(bus), expected)
    await until(isFound, { limitMs: 60_000, everyMs: 500, what: 'the same alerts' }).catch(() => {})
    t.deepEqual(await lastAlerts(bus), expected)
  })
})
