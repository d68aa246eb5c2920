import { join } from 'node:path'
import test, { type ExecutionContext, type TestFn } from 'ava'
import { Registry } from 'prom-client'
import type { Bus } from '#services/bus/bus.ts'
import { systemClock } from '#services/clock.ts'
import { createLogger } from '#services/log.ts'
import type { Frame } from '#services/recordings/format/frame-batch.ts'
import { EndReason } from '#services/schema/generated/frame_batch_pb.ts'
import { SessionId } from '#services/schema/ids.ts'
import { sessionRow, update } from '#test/contract/catalog-place.ts'
import { type AlisPlayer, createAlisPlayer, drawn, linearReplay } from '#test/helpers/alis-player.ts'
import { busyFrames } from '#test/helpers/busy-session.ts'
import { onServices } from '#test/helpers/cluster.ts'
import { ownKafkaPlace } from '#test/helpers/open-kafka-bus.ts'
import { openLogBus } from '#test/helpers/open-log-bus.ts'
import { openSqliteCatalog } from '#test/helpers/open-sqlite-catalog.ts'
import { recordedSession } from '#test/helpers/recorded-session.ts'
import { seededRandom } from '#test/helpers/seeded-random.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { until } from '#test/helpers/until.ts'
import { createLiveHub, type HubViewer } from '#viewer/live/hub.ts'
import { liveLimits } from '#viewer/live/limits.ts'

const limit = { limitMs: 60_000 }
const seed = Number(process.env.LIVE_SEED ?? 417)

const viewerOf = ({ take }: AlisPlayer): HubViewer => {
  const takeAll = (frames: Buffer[]) => frames.forEach(take)
  return { reset: takeAll, send: take, end: takeAll, stop: () => {} }
}
const batchesOf = (frames: readonly Frame[]) => {
  const session = recordedSession()
  const batches = [session.first()]
  for (let at = 0; at < frames.length; at += 20) batches.push(session.next(...frames.slice(at, at + 20)))
  return { id: session.sessionId, batches: [...batches, session.end(EndReason.EXIT, { exitCode: 0 })] }
}

const declare = (test: TestFn, name: string, open: (t: ExecutionContext<unknown>) => Promise<Bus>): void => {
  test(`viewers that join at random moments of three sessions at once, over ${name}, end with each one's screen`, async (t) => {
    const bus = await open(t)
    const catalog = await openSqliteCatalog({ file: join(await temporaryFolder(t), 'catalog.db') })
    const log = createLogger('live', 'silent')
    const registry = new Registry()
    const hub = createLiveHub({ bus, catalog, views: catalog, origins: null, clock: systemClock, log, registry })
    t.teardown(async () => {
      await hub.close()
      await Promise.all([bus.close(), catalog.close()])
    })
    const random = seededRandom(seed)
    const sessions = [1, 2, 3]
      .map((one) => busyFrames(seed + one, 40))
      .map((frames) => ({ frames, ...batchesOf(frames) }))
    for (const { id } of sessions) await catalog.indexFrames(update(sessionRow(0, { id: SessionId.parse(id) }), [0, 1]))
    const watched: { player: AlisPlayer; frames: Frame[] }[] = []
    const longest = Math.max(...sessions.map(({ batches }) => batches.length))
    for (let index = 0; index < longest; index++) {
      for (const { id, batches, frames } of sessions) {
        const value = batches[index]
        if (!value) continue
        await bus.produce([{ topic: 'session-frames', key: id, value }])
        if (index !== 0 && (random() > 0.3 || index === batches.length - 1)) continue
        const player = createAlisPlayer()
        await hub.watch((await catalog.session(id))!, viewerOf(player), null)
        watched.push({ player, frames })
      }
    }
    await until(() => watched.every(({ player }) => player.seen.isOver), limit)
    t.true(watched.length > 8)
    for (const { player, frames } of watched)
      t.deepEqual(drawn(player.seen.terminal()), drawn(linearReplay(frames)), `LIVE_SEED=${seed}`)
    await until(() => hub.count() === 0, limit)
    const said = await registry.metrics()
    t.regex(said, /^bartizan_live_lag_seconds_count [1-9]/m)
    t.regex(said, /^bartizan_live_viewers 0$/m)
  })
}

declare(test, 'the embedded bus', async (t) => openLogBus({ folder: await temporaryFolder(t) }))
onServices(test, ({ kafka }) => declare(test, 'Kafka', (t) => ownKafkaPlace(t, kafka.brokers).open()))

test('who is one too many is refused, and counted with the reason', async (t) => {
  const bus = await openLogBus({ folder: await temporaryFolder(t) })
  const catalog = await openSqliteCatalog({ file: join(await temporaryFolder(t), 'catalog.db') })
  const [log, registry] = [createLogger('live', 'silent'), new Registry()]
  const hub = createLiveHub({ bus, catalog, views: catalog, origins: null, clock: systemClock, log, registry })
  t.teardown(async () => {
    await hub.close()
    await Promise.all([bus.close(), catalog.close()])
  })
  const { id, batches } = batchesOf([])
  await catalog.indexFrames(update(sessionRow(0, { id: SessionId.parse(id) }), [0, 1]))
  await bus.produce([{ topic: 'session-frames', key: id, value: batches[0]! }])
  const session = (await catalog.session(id))!
  const enter = () => hub.watch(session, viewerOf(createAlisPlayer()), null)
  const watching = await Promise.all(Array.from({ length: liveLimits.viewersOfSession }, enter))
  await t.throwsAsync(enter, { code: 'BTZ_TOO_MANY_REQUESTS', message: 'too many people watch this session live' })
  const full = await registry.metrics()
  t.regex(full, /^bartizan_live_refused_total{reason="session_full"} 1$/m)
  t.regex(full, /^bartizan_live_viewers 100$/m)
  t.regex(full, /^bartizan_live_sessions 1$/m)
  watching[0]!.rejoin()
  watching[0]!.leave()
  await enter()
  t.regex(await registry.metrics(), /^bartizan_live_skipped_total 1$/m)
  await hub.close()
  await t.throwsAsync(enter, { code: 'BTZ_UNAVAILABLE' })
  t.regex(await registry.metrics(), /^bartizan_live_refused_total{reason="stopping"} 1$/m)
})
