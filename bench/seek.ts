import { rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { bartizan, type Product, startProduct } from '#test/helpers/running.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { until } from '#test/helpers/until.ts'
import { type Seek, seekInBrowser } from './seek/browser.ts'
import { writeLongCast } from './seek/long-cast.ts'

/**
 * Opens a session of 10 hours at 90 % in Chromium, through the product: its segments against the player that loads the
 * whole cast. Sizes in MB of the cast; one beyond 512 MiB is longer than a string may be, so the player is not given it.
 * Run: `npm run bench -- seek [MB...]`, default 24 483 560 (some minutes, 3 GB of disk).
 */
const sizes = process.argv.slice(2).map(Number)
const hours = 10
const place = 0.9
const repeats = 5
const wholeLimitMB = 530 // of 536.9

const undo: (() => unknown)[] = []
const teardown = { teardown: (run: () => unknown) => void undo.push(run) }

type Index = { duration: number; segments: { start: number }[] }

/** Imports it as a person would, and waits until evidence and views stand. */
const recorded = async (product: Product, folder: string, megabytes: number): Promise<{ id: string; index: Index }> => {
  const file = join(folder, `${megabytes}.cast`)
  const { events } = await writeLongCast(file, megabytes, hours)
  const { size } = await stat(file)
  process.stdout.write(`${JSON.stringify({ megabytes, events, castMB: size / 1e6 })}\n`)
  const fromMs = Date.now()
  const user = `user${megabytes}`
  const run = bartizan(['import', '--format', 'asciicast', '--user', user, '--data', product.data, '--json', file])
  if ((await run.exited) !== 0) throw new Error(run.output())
  await rm(file)
  const limitMs = 1_800_000
  let id = ''
  const isStored = async () => {
    const { items } = (await product.api(`/api/sessions?q=user:${user}`)) as {
      items: { id: string; evidence: string }[]
    }
    id = items[0]?.id ?? ''
    return items[0]?.evidence === 'sealed'
  }
  await until(isStored, { limitMs, everyMs: 500, what: 'sealed' })
  let index: Index = { duration: 0, segments: [] }
  const isDerived = async () => {
    const before = index.segments.length
    index = (await product.api(`/api/sessions/${id}/replay/index.json`)) as Index
    return index.segments.length === before && index.segments.at(-1)!.start > index.duration * 0.95
  }
  await until(isDerived, { limitMs, everyMs: 3000, what: 'segments' })
  process.stdout.write(`${JSON.stringify({ segments: index.segments.length, storedMs: Date.now() - fromMs })}\n`)
  return { id, index }
}

const median = (values: number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!

const segmentedSeeks = async (product: Product, id: string, seconds: number): Promise<Seek> => {
  const seeks: Seek[] = []
  const source = { url: `/api/sessions/${id}/replay/index.json`, format: 'segmented' } as const
  for (let run = 0; run < repeats; run++) seeks.push(await seekInBrowser(product, source, seconds))
  return {
    ...seeks[0]!,
    openAndSeekMs: median(seeks.map((one) => one.openAndSeekMs)),
    heapMB: median(seeks.map((one) => one.heapMB)),
  }
}

const measure = async (product: Product, folder: string, megabytes: number): Promise<void> => {
  const { id, index } = await recorded(product, folder, megabytes)
  const seconds = index.duration * place
  const segmented = await segmentedSeeks(product, id, seconds)
  const result = { megabytes, segmentedMs: segmented.openAndSeekMs, segmentedHeapMB: segmented.heapMB }
  if (megabytes > wholeLimitMB) {
    process.stdout.write(`${JSON.stringify(result)}\n`)
    return
  }
  const whole = await seekInBrowser(product, { url: `/api/sessions/${id}/export?format=cast` }, seconds)
  const compared = {
    ...{ wholeMs: whole.openAndSeekMs, wholeHeapMB: whole.heapMB, isSameScreen: whole.text === segmented.text },
    ...{ timesFaster: whole.openAndSeekMs / segmented.openAndSeekMs, heapShare: segmented.heapMB / whole.heapMB },
  }
  process.stdout.write(`${JSON.stringify({ ...result, ...compared })}\n`)
}

try {
  const folder = await temporaryFolder(teardown)
  const product = await startProduct(teardown)
  for (const megabytes of sizes.length > 0 ? sizes : [24, 483, 560]) await measure(product, folder, megabytes)
} finally {
  for (const run of undo.reverse()) await run()
}
