import { join } from 'node:path'
import test from 'ava'
import { createConnectionLedger } from '#ingest/ledger/connection-ledger.ts'
import type { SessionRow } from '#services/catalog/catalog.ts'
import { createLogger } from '#services/log.ts'
import { graceMs } from '#services/schema/ledger-deadlines.ts'
import type { SessionEvent } from '#services/schema/session-event.ts'
import { epochMs, sessionRow, update } from '#test/contract/catalog-place.ts'
import { openSqliteCatalog } from '#test/helpers/open-sqlite-catalog.ts'
import { seededRandom } from '#test/helpers/seeded-random.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { channel, disconnect, login, recorded } from './sshd-events.ts'

const log = createLogger('ledger', 'silent')
const outageS = 3_600
const longestS = 300
const connections = 120
const atOnce = 25 // events that reach ingest together, once it is back

type Fault = 'missing' | 'tunnel_only'
type Played = { connectionId: string; fault: Fault | null; row: SessionRow; events: SessionEvent[] }

/** What the bastion's agent saw of one connection, in that order, under ids of its own. */
const play = (n: number, random: () => number): Played => {
  const connectionId = n.toString(16).padStart(32, '0')
  const atS = Math.floor(random() * (outageS - longestS))
  const fault = random() < 0.1 ? 'missing' : random() < 0.1 ? 'tunnel_only' : null
  const row = sessionRow(atS + 1.5, { connectionId })
  const told = [
    login(atS),
    ...(fault === 'tunnel_only' ? [] : [channel(atS + 1, 0)]),
    ...(fault === null ? [recorded(atS + 1.5, row.id)] : []),
    disconnect(atS + 1 + Math.floor(random() * (longestS - 1))),
  ]
  const events = told.map((event) => ({ ...event, id: `${event.id}-${n}`, connectionId }))
  return { connectionId, fault, row, events }
}

test('ingest is away for an hour (its clock is played): what comes afterwards, and is complete, is never listed as a gap; what is none is', async (t) => {
  const seed = Number(process.env.BARTIZAN_TEST_SEED ?? Date.now() % 1_000_000)
  t.log(`seed ${seed} (BARTIZAN_TEST_SEED repeats it)`)
  const random = seededRandom(seed)
  const catalog = await openSqliteCatalog({ file: join(await temporaryFolder(t), 'catalog.db') })
  t.teardown(() => catalog.close())
  let nowMs = epochMs - 10_000
  const newLedger = () => createConnectionLedger({ catalog, log, graceMs, clock: { now: () => nowMs } })
  const isOurs = () => true
  const gapsOf = async () => (await catalog.sessions({ limit: 500 })).items.filter(({ recorded }) => !recorded)

  // Of this one ingest heard that it starts, and of its recording an hour later.
  const cut = play(connections, () => 0.5)
  const sooner = cut.events.map((event, at) => ({ ...event, at: new Date(epochMs - 9_000 + 500 * at).toISOString() }))
  const first = newLedger()
  await catalog.putEvents(sooner.slice(0, 2))
  await first.take(sooner.slice(0, 2))
  await first.tick(isOurs)

  nowMs = epochMs + outageS * 1000
  const played = Array.from({ length: connections }, (_, n) => play(n, random))
  const faultOf = new Map<string | null, Fault | null>(played.map(({ connectionId, fault }) => [connectionId, fault]))
  const backlog = [...sooner.slice(2), ...played.flatMap(({ events }) => events)]
    .toSorted((a, b) => Date.parse(a.at) - Date.parse(b.at))
    .map((event, agentSeq) => ({ ...event, agentSeq, receivedAt: new Date(nowMs).toISOString() }))

  const ledger = newLedger()
  await ledger.tick(isOurs)
  for (let at = 0; at < backlog.length; at += atOnce) {
    const events = backlog.slice(at, at + atOnce)
    await catalog.putEvents(events)
    await ledger.take(events)
    nowMs += 1_000
    await ledger.tick(isOurs)
    for (const { connectionId, state } of await gapsOf())
      t.true(faultOf.get(connectionId) === state, `${connectionId} is listed as ${state}`)
  }
  // What was recorded follows, as the recorder's own rows, in any order.
  for (const { row, fault } of played.toReversed()) if (fault === null) await catalog.indexFrames(update(row, [0, 1]))
  nowMs += graceMs
  await ledger.tick(isOurs)
  const expected = played.filter(({ fault }) => fault !== null).map(({ connectionId, fault }) => [connectionId, fault])
  t.true(expected.length > 0)
  const listed = (await gapsOf()).map(({ connectionId, state }) => [connectionId, state])
  t.deepEqual(listed.toSorted(), expected.toSorted())
})
