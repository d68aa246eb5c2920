import { DatabaseSync } from 'node:sqlite'
import test, { type ExecutionContext } from 'ava'
import { createEmulation, type EmulationThread, startEmulationThread } from '#ingest/indexer/screen/emulation.ts'
import type { Bus } from '#services/bus/bus.ts'
import type { Catalog } from '#services/catalog/catalog.ts'
import { BartizanError } from '#services/errors.ts'
import { createLogger } from '#services/log.ts'
import { Stream } from '#services/recordings/format/frame-batch.ts'
import { EndReason } from '#services/schema/generated/frame_batch_pb.ts'
import type { Views } from '#services/views/views.ts'
import { openSqliteCatalog } from '#test/helpers/open-sqlite-catalog.ts'
import { frame, recordedSession, shown } from '#test/helpers/recorded-session.ts'
import { seededRandom } from '#test/helpers/seeded-random.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { until } from '#test/helpers/until.ts'
import { openBus, produceBatches } from '../place.ts'
import { screensCaughtUp, startScreens } from './place.ts'

type Place = { bus: Bus; views: Catalog & Views; file: string }

const opened = async (t: ExecutionContext): Promise<Place> => {
  const folder = await temporaryFolder(t)
  const file = `${folder}/catalog.db`
  const [bus, views] = await Promise.all([openBus({ folder }), openSqliteCatalog({ file })])
  t.teardown(async () => {
    await bus.close()
    await views.close()
  })
  return { bus, views, file }
}
const running = async (t: ExecutionContext, place: Place, more: Partial<Parameters<typeof startScreens>[0]> = {}) => {
  const screens = await startScreens({ ...place, ...more })
  t.teardown(screens.close)
  return screens
}

/** Output that is cut in the middle of characters and of escape sequences. */
const bytes = Buffer.concat([
  Buffer.from('$ cat notes\r\n'),
  Buffer.from('first \x1b[1;31mred\x1b[0m 世界 ✓ é line\r\nsecond line\r\n'),
  Buffer.from('\x1b[?1049h\x1b[2J\x1b[H~ vim: a word inside vim 日本\x1b[24;1H-- INSERT --'),
  Buffer.from('\x1b[?1049l$ exit\r\n'),
])
const cutSession = (seed: number) => {
  const random = seededRandom(seed)
  const recorded = recordedSession()
  const parts: Buffer[] = []
  for (let at = 0; at < bytes.byteLength; ) {
    const end = at + 1 + Math.floor(random() * 7)
    parts.push(bytes.subarray(at, end))
    at = end
  }
  const frames = parts.map((part) => frame(Stream.TTYOUT, part, 300))
  const finished = [recorded.first(frames[0]!)]
  for (const one of frames.slice(1)) finished.push(recorded.next(one))
  finished.push(recorded.end(EndReason.EXIT))
  return { id: recorded.sessionId, batches: finished, recorded }
}
const textsOf = async ({ file }: Place, sessionId: string) => {
  const database = new DatabaseSync(file)
  const rows = database
    .prepare(
      `SELECT x.number, x.at_ms AS atMs, x.text FROM screen x JOIN screen_session s ON s.number = x.screen_number
         WHERE s.session_id = ? ORDER BY x.number`,
    )
    .all(sessionId) as { number: number; atMs: number; text: string }[]
  database.close()
  return rows.map((row) => ({ ...row }))
}
const viewsOf = async (place: Place, id: string) => ({
  segments: await place.views.segments(id),
  texts: await textsOf(place, id),
})

test('what stood on the screen is in the views, as the eye read it, and where a player may begin', async (t) => {
  const place = await opened(t)
  await running(t, place)
  const { id, batches, recorded } = cutSession(1)
  await produceBatches(place.bus, id, batches)
  await screensCaughtUp(place.bus)
  const { segments, texts } = await viewsOf(place, id)
  t.like(segments, { isEnded: true, throughSeq: batches.length - 1 })
  t.like(segments?.segments[0], { number: 0, startUs: 0, cols: 80, rows: 24 })
  t.is((await place.views.segment(id, 0))?.init, '')
  const all = texts.map(({ text }) => text).join('\n')
  for (const words of ['first red 世界 ✓ é line', 'second line', 'a word inside vim 日本', '-- INSERT --'])
    t.true(all.includes(words), words)
  t.deepEqual(
    texts.map(({ number }) => number),
    texts.map((_, n) => n),
  )
  const late = recorded.next() // as the agent's last signed head
  await produceBatches(place.bus, id, [late])
  await screensCaughtUp(place.bus)
  const after = await viewsOf(place, id)
  t.deepEqual(after, { texts, segments: { ...segments!, throughSeq: batches.length } })
  t.like(await place.views.screenProgress(id), { owner: { user: 'alice' }, unavailable: null })
})

test('an indexer that is closed at any batch and started again derives what one derives that is not', async (t) => {
  const [place, whole] = [await opened(t), await opened(t)]
  const { id, batches } = cutSession(2)
  await running(t, whole)
  await produceBatches(whole.bus, id, batches)
  await screensCaughtUp(whole.bus)
  const random = seededRandom(2)
  for (let at = 0; at < batches.length; ) {
    const screens = await startScreens(place)
    const next = at + 1 + Math.floor((random() * batches.length) / 2)
    await produceBatches(place.bus, id, batches.slice(at, next))
    await screensCaughtUp(place.bus)
    await screens.close()
    at = next
  }
  t.deepEqual(await viewsOf(place, id), await viewsOf(whole, id))
})

test('while the views cannot be written nothing is committed, and nothing lost (writes fail by hand)', async (t) => {
  const place = await opened(t)
  let refusals = 3
  const views = {
    ...place.views,
    indexScreen: async (update: Parameters<Views['indexScreen']>[0]) => {
      if (refusals-- > 0) throw new Error('the views are down')
      await place.views.indexScreen(update)
    },
  }
  await running(t, place, { views })
  const { id, batches } = cutSession(3)
  await produceBatches(place.bus, id, batches)
  await screensCaughtUp(place.bus)
  t.true(refusals < 0)
  t.is((await place.views.segments(id))?.throughSeq, batches.length - 1)
})

test('the thread that emulates is lost in the middle: a new one begins where the views stand', async (t) => {
  const place = await opened(t)
  const threads: EmulationThread[] = []
  const emulation = createEmulation(createLogger('screen', 'silent'), {
    startThread: async () => {
      const thread = await startEmulationThread()
      threads.push(thread)
      return thread
    },
  })
  await running(t, place, { emulation })
  const { id, batches } = cutSession(4)
  for (const [n, batch] of batches.entries()) {
    await produceBatches(place.bus, id, [batch])
    if (n === 3 || n === 9) {
      await until(() => threads.length > 0)
      threads.at(-1)!.kill('was killed by a test')
    }
  }
  await screensCaughtUp(place.bus)
  t.true(threads.length > 1)
  const alone = await opened(t)
  await running(t, alone)
  await produceBatches(alone.bus, id, batches)
  await screensCaughtUp(alone.bus)
  t.deepEqual(await viewsOf(place, id), await viewsOf(alone, id))
})

test('a session whose output breaks the emulation is marked with the reason, and the others go on (it breaks by hand)', async (t) => {
  const place = await opened(t)
  const [bad, good] = [cutSession(5), cutSession(6)]
  const real = createEmulation(createLogger('screen', 'silent'))
  const emulation = {
    ...real,
    take: async (key: string, finished: Uint8Array) => {
      if (key.endsWith(bad.id)) throw new BartizanError('BTZ_SCREEN_UNAVAILABLE', 'its output broke the emulation')
      return real.take(key, finished)
    },
  }
  const { registry } = await running(t, place, { emulation })
  await produceBatches(place.bus, bad.id, bad.batches)
  await produceBatches(place.bus, good.id, good.batches)
  await screensCaughtUp(place.bus)
  t.is(await place.views.unavailable(bad.id), 'its output broke the emulation')
  t.is(await place.views.segments(bad.id), null)
  t.is((await place.views.segments(good.id))?.throughSeq, good.batches.length - 1)
  t.regex(await registry.metrics(), /bartizan_screen_unavailable_total 1/)
})

test('more sessions than are kept in memory are all derived, each in its turn', async (t) => {
  const place = await opened(t)
  const emulation = createEmulation(createLogger('screen', 'silent'), { maxOpen: 5 })
  await running(t, place, { emulation })
  const sessions = Array.from({ length: 24 }, (_, n) => {
    const recorded = recordedSession()
    return {
      id: recorded.sessionId,
      batches: [recorded.first(shown(`hello ${n}\r\n`)), recorded.next(shown('more\r\n'))],
    }
  })
  let most = 0
  for (const round of [0, 1]) {
    for (const { id, batches } of sessions) await produceBatches(place.bus, id, [batches[round]!])
    most = Math.max(most, emulation.openCount())
  }
  await screensCaughtUp(place.bus)
  t.true(Math.max(most, emulation.openCount()) <= 5 + place.bus.partitions('session-frames'))
  for (const { id } of sessions) t.is((await place.views.segments(id))?.throughSeq, 1)
})

test('of an erased session nothing is derived, and a batch that never comes is passed', async (t) => {
  const place = await opened(t)
  const [gone, holed] = [cutSession(7), cutSession(8)]
  await running(t, place, { erased: { ids: async () => new Set([gone.id]) } })
  await produceBatches(place.bus, gone.id, gone.batches)
  await produceBatches(place.bus, holed.id, [Buffer.from('no batch'), ...holed.batches.filter((_, n) => n !== 3)])
  await screensCaughtUp(place.bus)
  t.is(await place.views.segments(gone.id), null)
  t.is((await place.views.segments(holed.id))?.throughSeq, holed.batches.length - 1)
})

test('keyframes that are not exact are counted, and so are segments', async (t) => {
  const place = await opened(t)
  const { registry } = await running(t, place)
  const recorded = recordedSession()
  const size = Buffer.from([0, 30, 0, 100]) // rows and columns: the hidden screen keeps its own
  const frames = [
    shown('\x1b[?1049h'),
    frame(Stream.RESIZE, size),
    shown('a line of a program\r\n'.repeat(4_000)),
    frame(Stream.TTYOUT, 'later', 6_000),
  ]
  const batches = [recorded.first(...frames), recorded.end(EndReason.EXIT)]
  await produceBatches(place.bus, recorded.sessionId, batches)
  await screensCaughtUp(place.bus)
  const said = await registry.metrics()
  t.regex(said, /^bartizan_screen_keyframes_refused_total [1-9]/m)
  t.regex(said, /^bartizan_screen_segments_total 1$/m)
  t.regex(said, /^bartizan_screen_broken_total 0$/m)
})
