import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import type { NewRecord } from '#services/bus/bus.ts'
import type { Catalog } from '#services/catalog/catalog.ts'
import { EndReason } from '#services/schema/generated/frame_batch_pb.ts'
import { allPages, event } from '#test/contract/catalog-place.ts'
import { exec, recordedSession, sessionAtMs, shown, typed } from '#test/helpers/recorded-session.ts'
import { seededRandom } from '#test/helpers/seeded-random.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { until } from '#test/helpers/until.ts'
import { isCaughtUp, openBus, openCatalog, type Place, startIndexer } from './place.ts'

const childFile = fileURLToPath(new URL('./indexer-child.ts', import.meta.url))
const batchesEach = 50

/** Sessions whose typed lines begin in one batch and end in the next; every seventh pair of batches is swapped. */
const sessionRecords = (number: number): NewRecord[] => {
  const recorded = recordedSession({ user: `user-${number}` }, sessionAtMs + number * 1_000)
  const finished = [recorded.first(shown('\x1b[?2004h$ '), typed('echo 0'))]
  for (let n = 1; n < batchesEach; n++) {
    const taken = [shown(`echo ${n - 1}`), typed('\r'), shown('\r\n\x1b[?2004l\r'), exec('echo', `${n - 1}`)]
    finished.push(recorded.next(...taken, shown('\x1b[?2004h$ '), typed(`echo ${n}`)))
  }
  finished.push(recorded.end(EndReason.EXIT, { exitCode: number % 3 }))
  for (let n = number % 7; n + 1 < finished.length; n += 7) finished.splice(n, 2, finished[n + 1]!, finished[n]!)
  return finished.map((value) => ({ topic: 'session-frames', key: recorded.sessionId, value }))
}

/** In the order in which they come to be: the n-th batch of every session, and events in between. */
const allRecords = (): NewRecord[] => {
  const sessions = Array.from({ length: 30 }, (_, number) => sessionRecords(number))
  return Array.from({ length: batchesEach + 1 }, (_, n) => {
    const events = Array.from({ length: 60 }, (__, m) => event(n * 60 + m, { bastion: `bastion-${m % 5}` }))
    return [
      ...sessions.map((records) => records[n]!),
      ...events.map((one) => ({
        topic: 'session-events' as const,
        key: one.bastion,
        value: Buffer.from(JSON.stringify(one)),
      })),
    ]
  }).flat()
}

const rowsOf = async (catalog: Catalog) => {
  const sessions = await allPages((cursor) => catalog.sessions({ limit: 100, ...(cursor && { cursor }) }))
  const commands = sessions.map(({ id }) =>
    allPages((cursor) => catalog.commands(id, { limit: 500, ...(cursor && { cursor }) })),
  )
  const events = await allPages((cursor) => catalog.events({ limit: 1_000, ...(cursor && { cursor }) }))
  return { sessions, commands: await Promise.all(commands), events }
}

/** In this process, to the end. */
const indexAll = async (place: Place, records: NewRecord[]) => {
  const [bus, catalog] = await Promise.all([openBus(place), openCatalog(place)])
  await bus.produce(records)
  const { indexer } = await startIndexer(bus, catalog, 60_000)
  await until(() => isCaughtUp(bus), { limitMs: 60_000, what: 'the indexer to commit everything' })
  const rows = await rowsOf(catalog)
  await indexer.close()
  await bus.close()
  await catalog.close()
  return rows
}

/** More records, and an indexer that is killed when it has begun that many writes. */
const killedAt = async (place: Place, records: NewRecord[], writes: number): Promise<void> => {
  const bus = await openBus(place)
  await bus.produce(records)
  await bus.close()
  const child = spawn(process.execPath, [childFile, place.folder], { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = once(child, 'close')
  let seen = 0
  child.stdout.on('data', (letters: Buffer) => {
    seen += letters.length
    if (seen >= writes) child.kill('SIGKILL')
  })
  await ended
}

/** Batches and events the catalog holds. */
const heldBy = async (place: Place): Promise<{ batches: number; events: number }> => {
  const catalog = await openCatalog(place)
  const { items } = await catalog.sessions({ limit: 100 })
  const progress = await Promise.all(items.map(({ id }) => catalog.progress(id)))
  const { total } = await catalog.events({ limit: 1 })
  await catalog.close()
  return { batches: progress.reduce((sum, one) => sum + (one?.nextSeq ?? 0), 0), events: total.value }
}

test('an indexer that is killed -9 again and again makes the same rows as one that is not', async (t) => {
  const seed = Number(process.env.SEED ?? Date.now() % 100_000)
  t.log(`SEED=${seed}`)
  const random = seededRandom(seed)
  const records = allRecords()
  const [whole, killed] = [{ folder: await temporaryFolder(t) }, { folder: await temporaryFolder(t) }]
  const kills = 5
  const share = Math.ceil(records.length / (kills + 1))
  for (let n = 0; n < kills; n++) {
    await killedAt(killed, records.slice(n * share, (n + 1) * share), 1 + Math.floor(random() * 30))
    t.log('held after a kill', await heldBy(killed))
  }
  const { batches } = await heldBy(killed)
  t.true(batches > 0 && batches < 30 * (batchesEach + 1), `${batches} batches`)
  t.deepEqual(await indexAll(killed, records.slice(kills * share)), await indexAll(whole, records))
})
