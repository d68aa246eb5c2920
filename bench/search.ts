import { spawn, spawnSync } from 'node:child_process'
import { createWriteStream, existsSync } from 'node:fs'
import { mkdir, rename, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { parseArgs } from 'node:util'
import { Config } from '#services/config.ts'
import { connectElastic } from '#services/elastic/elastic-client.ts'
import { type Asked, openPlace, type Place } from './search/ask.ts'
import { castOf, commandsPerSession, madeSession, rareWord } from './search/corpus.ts'
import { queriesFor } from './search/queries.ts'

/**
 * How long a search takes in both catalogs at growing sizes, against grep over recordings of the same words; run:
 * `npm run bench -- search --commands 100000,1000000 [--no-sqlite] [--elastic URL] [--casts GB] [--folder DIR] [--keep]`
 * `--keep`: SQLite's catalogs stay in DIR, and those that are there are asked as they are.
 */
const { values } = parseArgs({
  allowNegative: true,
  options: {
    sqlite: { type: 'boolean', default: true },
    commands: { type: 'string', default: '100000,1000000' },
    elastic: { type: 'string' },
    casts: { type: 'string', default: '0' },
    folder: { type: 'string', default: tmpdir() },
    keep: { type: 'boolean', default: false },
  },
})
const sizes = values.commands.split(',').map(Number)
const folder = join(values.folder, `bartizan-search-${process.pid}`)
const together = 256 // sessions
const seconds = (ms: number): string => (ms / 1_000).toFixed(1)

const fill = async (place: Place, sessions: number): Promise<number> => {
  const catalog = await openPlace(place)
  const startMs = performance.now()
  for (let first = 0; first < sessions; first += together) {
    const made = Array.from({ length: Math.min(together, sessions - first) }, (_, n) => madeSession(first + n))
    await Promise.all(made.flatMap(({ update, screen }) => [catalog.indexFrames(update), catalog.indexScreen(screen)]))
  }
  await catalog.close()
  return performance.now() - startMs
}

const percentile = (times: readonly number[], share: number): number =>
  times.toSorted((a, b) => a - b)[Math.min(times.length - 1, Math.floor(times.length * share))]!

const asked = async (place: Place, sessions: number): Promise<Asked[]> => {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'search/ask.ts')], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  child.stdin.end(JSON.stringify({ place, queries: queriesFor(sessions) }))
  return JSON.parse(await text(child.stdout)) as Asked[]
}

/** Pages of the file leave the cache of the system; those of others stay. */
const forget = (file: string): boolean =>
  spawnSync('dd', [`if=${file}`, 'iflag=nocache', 'count=0', 'status=none']).status === 0

const show = (what: string, all: readonly Asked[]): { cold: number; warm: number } => {
  const table: Record<string, object> = {}
  const at = (some: readonly Asked[], share: number) =>
    Number(
      percentile(
        some.map(({ ms }) => ms),
        share,
      ).toFixed(1),
    )
  const rowOf = (some: readonly Asked[]) => {
    const [cold, warm] = [some.filter(({ isFirst }) => isFirst), some.filter(({ isFirst }) => !isFirst)]
    return {
      'cold p50': at(cold, 0.5),
      'cold p95': at(cold, 0.95),
      'warm p50': at(warm, 0.5),
      'warm p95': at(warm, 0.95),
    }
  }
  for (const kind of new Set(all.map((one) => one.kind))) {
    const some = all.filter((one) => one.kind === kind)
    table[kind] = { ...rowOf(some), found: some[0]!.found }
  }
  const mix = rowOf(all)
  console.log(what)
  console.table({ ...table, 'the mix': mix })
  return { cold: mix['cold p95'], warm: mix['warm p95'] }
}

/** In a folder of another name until it is whole: one that is there is never a part. */
const madeFile = async (commands: number): Promise<string> => {
  const made = join(values.keep ? values.folder : folder, `catalog-${commands}`)
  const file = join(made, 'catalog.db')
  const what = `SQLite, ${commands} commands and ${commands / 4} screens:`
  if (existsSync(file)) {
    console.log(`${what} ${file}, as it is`)
    return file
  }
  const making = `${made}-${process.pid}`
  await mkdir(making, { recursive: true })
  const tookMs = await fill({ file: join(making, 'catalog.db') }, commands / commandsPerSession)
  await rename(making, made)
  const bytesEach = Math.round((await stat(file)).size / commands)
  console.log(`${what} made in ${seconds(tookMs)} s, ${bytesEach} bytes per command`)
  return file
}

const inSqlite = async (commands: number) => {
  const file = await madeFile(commands)
  const isCold = forget(file)
  const all = await asked({ file }, commands / commandsPerSession)
  if (!values.keep) await rm(dirname(file), { recursive: true })
  return show(`ms in SQLite${isCold ? '' : ' (cold: the process alone)'}`, all)
}

const elasticOf = (url: string, prefix: string) =>
  connectElastic(Config.parse({ elasticsearch: { nodes: [url], indexPrefix: prefix, replicas: 0 } }).elasticsearch)

const inElastic = async (url: string, commands: number) => {
  const prefix = `bench-search-${process.pid}-${commands}`
  const sessions = commands / commandsPerSession
  const elastic = elasticOf(url, prefix)
  try {
    const tookMs = await fill({ url, prefix }, sessions)
    await elastic.request({ method: 'POST', path: `/${prefix}-*/_refresh` })
    console.log(`Elasticsearch, ${commands} commands: made in ${seconds(tookMs)} s`)
    return show('ms in Elasticsearch (cold: our process alone)', await asked({ url, prefix }, sessions))
  } finally {
    const { body } = await elastic.request<Record<string, object>>({ method: 'GET', path: `/${prefix}-*` })
    await elastic.request({ method: 'DELETE', path: `/${Object.keys(body).join(',')}`, accept: [404] })
    for (const kind of ['_index_template', '_component_template'])
      await elastic.request({ method: 'DELETE', path: `/${kind}/${prefix}-*`, accept: [404] })
    await elastic.close()
  }
}

const redraws = 12

const writeCasts = async (to: string, bytes: number): Promise<{ sessions: number; bytes: number }> => {
  await mkdir(to, { recursive: true })
  let [sessions, written] = [0, 0]
  while (written < bytes) {
    const file = createWriteStream(join(to, `${sessions}.cast`))
    const cast = castOf(madeSession(sessions), redraws)
    await new Promise((resolve) => file.end(cast, () => resolve(undefined)))
    written += Buffer.byteLength(cast)
    sessions++
  }
  return { sessions, bytes: written }
}

/** Into a pipe: for /dev/null it would stop at the first match. */
const grepMs = (word: string, where: string): number => {
  const startMs = performance.now()
  spawnSync('sh', ['-c', 'LC_ALL=C grep -rF -- "$1" "$2" | wc -c', 'sh', word, where])
  return performance.now() - startMs
}

/** Of the words: how long one took with nothing in the system's cache, and the median of all after that. */
type Grepped = { cold: number; warm: number }

const againstGrep = async (gigabytes: number): Promise<Grepped> => {
  const casts = join(folder, 'casts')
  const { sessions, bytes } = await writeCasts(casts, gigabytes * 1e9)
  const words = ['permission denied', 'systemctl', rareWord(Math.floor(sessions / 2)), '/part-4242']
  spawnSync('sh', ['-c', 'find "$1" -name "*.cast" -exec dd if={} iflag=nocache count=0 status=none \\;', 'sh', casts])
  const cold = grepMs(words[0]!, casts)
  const warm = words.map((word) => grepMs(word, casts))
  console.log(
    `grep -rF over ${(bytes / 1e9).toFixed(2)} GB in ${sessions} casts (${sessions * commandsPerSession} commands): cold ${seconds(cold)} s, warm ${warm.map(seconds).join(', ')} s`,
  )
  await rm(casts, { recursive: true })
  return { cold, warm: percentile(warm, 0.5) }
}

const ratios = (engine: string, all: { cold: number; warm: number }[], grep: Grepped | null): void => {
  const [first, last] = [all[0]!, all.at(-1)!]
  console.log(
    `${engine}: p95 of the mix at ${sizes.at(-1)} : at ${sizes[0]} commands = ${(last.warm / first.warm).toFixed(2)} warm, ${(last.cold / first.cold).toFixed(2)} cold`,
  )
  if (grep !== null)
    console.log(
      `${engine}: grep takes ${Math.round(grep.warm / last.warm)} times the warm p95, cold ${Math.round(grep.cold / last.cold)} times the cold one`,
    )
}

await mkdir(folder, { recursive: true })
try {
  const grep = Number(values.casts) > 0 ? await againstGrep(Number(values.casts)) : null
  if (values.sqlite) {
    const sqlite = []
    for (const commands of sizes) sqlite.push(await inSqlite(commands))
    ratios('SQLite', sqlite, grep)
  }
  if (values.elastic) {
    const elastic = []
    for (const commands of sizes) elastic.push(await inElastic(values.elastic, commands))
    ratios('Elasticsearch', elastic, grep)
  }
} finally {
  await rm(folder, { recursive: true, force: true })
}
