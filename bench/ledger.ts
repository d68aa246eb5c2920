import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { createConnectionLedger } from '#ingest/ledger/connection-ledger.ts'
import { createSilences } from '#services/agents/silences.ts'
import type { Catalog } from '#services/catalog/catalog.ts'
import { systemClock } from '#services/clock.ts'
import { readDay } from '#services/coverage/day-of-bastion.ts'
import { createLogger } from '#services/log.ts'
import { graceMs } from '#services/schema/ledger-deadlines.ts'
import { SessionEvent } from '#services/schema/session-event.ts'
import { createSqliteStateStore } from '#services/state/sqlite-state-store.ts'
import { sessionRow } from '#test/contract/catalog-place.ts'
import { openSqliteCatalog } from '#test/helpers/open-sqlite-catalog.ts'

/**
 * What the ledger costs per session beside 10^3 to 10^6 sessions that the catalog has already: run `node bench/ledger.ts
 * [most]`. What is there is made in bulk: a session with its login and its `Starting session` each, over 90 days.
 */
const most = Number(process.argv[2] ?? 1_000_000)
const sizes = [1_000, 10_000, 100_000, 1_000_000].filter((size) => size <= most)
const measured = 3_000 // sessions per size, in rounds
const rounds = 3
const together = 250 // sessions whose events arrive in one run
const bastions = 20
const firstMs = Date.UTC(2026, 0, 1)
const spanMs = 90 * 86_400_000
const nowMs = firstMs + spanMs
const log = createLogger('bench-ledger', 'silent')

const bastionOf = (n: number): string => `bastion-${n % bastions}`
const iso = (ms: number): string => new Date(ms).toISOString()

/** Rows `from` to `to` as the writer would have put them, text index apart: the ledger does not ask it. */
const fill = (file: string, from: number, to: number): void => {
  const database = new DatabaseSync(file)
  database.exec('PRAGMA synchronous = OFF; PRAGMA cache_size = -262144; BEGIN')
  const row = JSON.stringify(sessionRow(0, { state: 'complete' }))
  const at = `(${firstMs} + CAST(n * ${spanMs / most} AS INTEGER))`
  const numbers = `WITH RECURSIVE c (n) AS (SELECT ${from} UNION ALL SELECT n + 1 FROM c WHERE n < ${to - 1})`
  const id = "printf('%08x-0000-7000-8000-%012x', n, n)"
  const connection = "printf('%032x', n)"
  const bastion = `'bastion-' || (n % ${bastions})`
  const state = "CASE WHEN n % 100 = 0 THEN 'missing' ELSE 'complete' END"
  database.exec(`${numbers} INSERT INTO session (id, connection_id, user, bastion, state, started_at_ms, ended_at_ms,
    closing, next_seq, command_count, row, text)
    SELECT ${id}, ${connection}, 'user-' || (n % 500), ${bastion}, ${state}, ${at}, ${at} + 60000, 0, 1, 0,
      json_set('${row}', '$.id', ${id}, '$.bastion', ${bastion}, '$.state', ${state}), '' FROM c`)
  for (const [part, kind] of ['login', 'session_started'].entries())
    database.exec(`${numbers} INSERT INTO event (time_key, id, kind, user, bastion, session_id, row, text)
      SELECT (${at} << 14) + ((n * 2 + ${part}) & 16383), 'e${part}-' || n, '${kind}', 'user-' || (n % 500), ${bastion}, NULL,
        json_object('id', 'e${part}-' || n, 'kind', '${kind}', 'at', strftime('%Y-%m-%dT%H:%M:%fZ', ${at} / 1000.0, 'unixepoch'),
          'source', 'openssh', 'bastion', ${bastion}, 'connectionId', ${connection}, 'recorded', json('false')), '' FROM c`)
  database.exec('COMMIT')
  database.close()
}

let made = 0
/** As one login tells of itself; one in fifty has no recorder, one in fifty is a tunnel. */
const eventsOf = (n: number): SessionEvent[] => {
  const atMs = nowMs + n * 400
  const common = {
    ...{ bastion: bastionOf(n), user: `user-${n % 500}`, sourceIp: '203.0.113.9', sourcePort: 1_024 + (n % 60_000) },
    connectionId: `f${String(n).padStart(31, '0')}`,
  }
  const one = (kind: string, afterMs: number, more: object): SessionEvent =>
    SessionEvent.parse({ id: `m-${made++}`, kind, at: iso(atMs + afterMs), source: 'openssh', ...common, ...more })
  const started = one('session_started', 50, { recorded: false, tty: true, channel: 0 })
  const recorded = one('session_started', 300, { source: 'sudo', recorded: true, sessionId: sessionRow(0).id })
  const end = one('session_ended', 20_000, { recorded: false })
  return [
    one('login', 0, { method: 'publickey' }),
    ...(n % 50 === 1 ? [] : [started]),
    ...(n % 50 < 2 ? [] : [recorded]),
    end,
  ]
}

const timed = async (act: () => Promise<void>): Promise<{ wallMs: number; cpuMs: number }> => {
  const [startMs, cpu] = [performance.now(), process.cpuUsage()]
  await act()
  const { user, system } = process.cpuUsage(cpu)
  return { wallMs: performance.now() - startMs, cpuMs: (user + system) / 1_000 }
}
const median = (all: readonly number[]): number => all.toSorted((a, b) => a - b)[Math.floor(all.length / 2)]!

let next = 0
/** The ledger alone: what its events cost until they are in the catalog is not its own. */
const round = async (catalog: Catalog): Promise<{ cpuMs: number; wallMs: number; firstMs: number }> => {
  const ledger = createConnectionLedger({ catalog, graceMs, clock: systemClock, log })
  // What it looks up once of each bastion, when a process begins.
  const first = await timed(() => ledger.take(Array.from({ length: bastions }, () => eventsOf(next++)).flat()))
  let [cpuMs, wallMs] = [0, 0]
  const count = measured / rounds
  for (let done = 0; done < count; done += together) {
    const events = Array.from({ length: together }, () => eventsOf(next++)).flat()
    await catalog.putEvents(events)
    const spent = await timed(() => ledger.take(events))
    cpuMs += spent.cpuMs
    wallMs += spent.wallMs
  }
  return { cpuMs: cpuMs / count, wallMs: wallMs / count, firstMs: first.cpuMs / bastions }
}

const folder = await mkdtemp(join(tmpdir(), 'bartizan-bench-ledger-'))
const file = join(folder, 'catalog.db')
const state = await createSqliteStateStore({ file: join(folder, 'state.db') })
const silences = createSilences({ state })
const figures: Record<string, object> = {}
const perSession: number[] = []
try {
  await (await openSqliteCatalog({ file })).close()
  let filled = 0
  for (const size of sizes) {
    fill(file, filled, size)
    filled = size
    const catalog = await openSqliteCatalog({ file })
    const ctx = { catalog, silences, clock: { now: () => nowMs } }
    await round(catalog) // warms up
    const runs = []
    for (let n = 0; n < rounds; n++) runs.push(await round(catalog))
    const cpuMs = median(runs.map((run) => run.cpuMs))
    perSession.push(cpuMs)
    const coverage: number[] = []
    const statement: number[] = []
    for (let n = 0; n < 5; n++) {
      const query = { from: '2026-01-01', to: '2026-03-31', limit: 500 }
      coverage.push((await timed(async () => void (await catalog.coverage(query)))).wallMs)
      statement.push((await timed(async () => void (await readDay(ctx, 'bastion-0', '2026-01-01')))).wallMs)
    }
    figures[`${size} sessions`] = {
      'ledger, CPU ms per session': cpuMs.toFixed(3),
      'wall ms': median(runs.map((run) => run.wallMs)).toFixed(3),
      'at its start, CPU ms per bastion': median(runs.map((run) => run.firstMs)).toFixed(1),
      'coverage of 90 days, ms': median(coverage).toFixed(1),
      "a day's statement, ms": median(statement).toFixed(1),
      'RSS MB': Math.round(process.memoryUsage().rss / 1e6),
    }
    await catalog.close()
  }
  console.table(figures)
  console.log(
    `${sizes.at(-1)} beside ${sizes[0]}: ${(perSession.at(-1)! / perSession[0]!).toFixed(2)}x CPU per session`,
  )
} finally {
  await state.close()
  await rm(folder, { recursive: true })
}
