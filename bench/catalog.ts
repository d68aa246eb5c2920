import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Catalog } from '#services/catalog/catalog.ts'
import { createSqliteCatalog } from '#services/catalog/sqlite-catalog.ts'
import { systemClock } from '#services/clock.ts'
import { createLogger } from '#services/log.ts'
import { wordsQuery } from '#services/search/words-query.ts'
import { event, sessionRow, update } from '#test/contract/catalog-place.ts'
import { seededRandom } from '#test/helpers/seeded-random.ts'

/** How fast the embedded catalog takes and finds rows; run: `node bench/catalog.ts [commands]` */
const commandCount = Number(process.argv[2] ?? 100_000)
const perSession = 100
const random = seededRandom(7)
const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)]!
const programs = [
  'ls -la',
  'cat',
  'sudo systemctl restart',
  'vim',
  'grep -r password',
  'tail -f',
  'git log',
  'docker ps',
]
const line = (n: number): string => `${pick(programs)} /srv/app-${Math.floor(random() * 500)}/file-${n}.log`

const timed = async (act: () => Promise<unknown>): Promise<{ wallMs: number; cpuMs: number }> => {
  const [startMs, cpu] = [performance.now(), process.cpuUsage()]
  await act()
  const { user, system } = process.cpuUsage(cpu)
  return { wallMs: performance.now() - startMs, cpuMs: (user + system) / 1000 }
}

const fill = async (catalog: Catalog) => {
  const sessions = commandCount / perSession
  const indexed = await timed(async () => {
    for (let first = 0; first < sessions; first += 50) {
      const rows = Array.from({ length: Math.min(50, sessions - first) }, (_, n) =>
        sessionRow((first + n) * 60, { user: `user-${(first + n) % 40}` }),
      )
      await Promise.all(
        rows.map((row, n) =>
          catalog.indexFrames(
            update(
              row,
              [0, 1],
              Array.from({ length: perSession }, (__, m) => line((first + n) * perSession + m)),
            ),
          ),
        ),
      )
    }
  })
  const events = Array.from({ length: commandCount / 500 }, (_, n) =>
    Array.from({ length: 500 }, (__, m) =>
      event(n * 500 + m, {
        user: `user-${m % 40}`,
        clientVersion: 'SSH-2.0-OpenSSH_9.2p1',
        keyFingerprint: `SHA256:${random().toString(36).repeat(3)}`,
      }),
    ),
  )
  const put = await timed(async () => {
    for (const batch of events) await catalog.putEvents(batch)
  })
  const rate = ({ wallMs, cpuMs }: typeof put) => ({
    'rows/s': Math.round(commandCount / (wallMs / 1000)),
    'CPU s per 100 k': Number((cpuMs / 1000 / (commandCount / 100_000)).toFixed(2)),
  })
  console.table({ 'commands (50 sessions of 100 at once)': rate(indexed), 'events (batches of 500)': rate(put) })
}

const queries = (catalog: Catalog): Record<string, () => Promise<{ total: { value: number; relation: string } }>> => ({
  'sessions, first page': () => catalog.sessions({ limit: 50 }),
  'sessions of a user': () => catalog.sessions({ user: 'user-7', limit: 50 }),
  'sessions with a rare word': () => catalog.sessions({ query: wordsQuery('file-4242.log'), limit: 50 }),
  'sessions with a common word': () => catalog.sessions({ query: wordsQuery('systemctl'), limit: 50 }),
  'search, rare word': () =>
    catalog.search({ query: wordsQuery('file-4242.log'), in: ['commands', 'events'], limit: 50 }),
  'search, common word': () => catalog.search({ query: wordsQuery('systemctl'), in: ['commands'], limit: 50 }),
  'search, two words': () => catalog.search({ query: wordsQuery('password app-42/'), in: ['commands'], limit: 50 }),
  'search, short word': () => catalog.search({ query: wordsQuery('ps'), in: ['commands'], limit: 50 }),
  'search, nothing': () =>
    catalog.search({ query: wordsQuery('no such thing'), in: ['commands', 'events'], limit: 50 }),
  'events of a kind': () => catalog.events({ kinds: ['login'], limit: 50 }),
})

const ask = async (catalog: Catalog) => {
  const table: Record<string, object> = {}
  for (const [name, query] of Object.entries(queries(catalog))) {
    const times: number[] = []
    const { total } = await query()
    for (let n = 0; n < 20; n++) times.push((await timed(query)).wallMs)
    times.sort((a, b) => a - b)
    table[name] = {
      'p50 ms': Number(times[10]!.toFixed(1)),
      'p95 ms': Number(times[18]!.toFixed(1)),
      total: `${total.relation} ${total.value}`,
    }
  }
  console.table(table)
}

const folder = await mkdtemp(join(tmpdir(), 'bartizan-bench-'))
try {
  const file = join(folder, 'catalog.db')
  const log = createLogger('bench', 'warn')
  const catalog = await createSqliteCatalog({ file, readers: 2, queryTimeoutMs: 60_000, clock: systemClock, log })
  await fill(catalog)
  await ask(catalog)
  await catalog.close()
  console.log(`${commandCount} commands and as many events: ${((await stat(file)).size / 1e6).toFixed(0)} MB`)
} finally {
  await rm(folder, { recursive: true })
}
