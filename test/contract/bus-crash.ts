import { spawn } from 'node:child_process'
import { createHash, randomInt } from 'node:crypto'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { ExecutionContext, TestFn } from 'ava'
import type { Placed } from '#services/bus/bus.ts'
import { seededRandom } from '#test/helpers/seeded-random.ts'
import { until as pollUntil } from '#test/helpers/until.ts'
import { type BusPlace, type MakeBusPlace, numbers, record, textOf, until, watch } from './bus-place.ts'

const childFile = fileURLToPath(new URL('../helpers/bus-child.ts', import.meta.url))

type ChildOptions = { role: 'produce' | 'consume'; options: unknown; enough(lines: unknown[]): boolean }

/** Runs a child on the bus until it has printed enough, kills it -9, and gives all complete lines it printed. */
const killedChild = async (
  t: ExecutionContext<unknown>,
  { inChild: { module, factory, options } }: BusPlace,
  child: ChildOptions,
): Promise<unknown[]> => {
  const args = [childFile, module, factory, JSON.stringify(options), child.role, JSON.stringify(child.options)]
  const member = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  t.teardown(() => member.kill('SIGKILL'))
  const ended = once(member, 'close')
  const lines: unknown[] = []
  // What is cut off by the kill was not told: only whole lines count.
  const reader = createInterface({ input: member.stdout })
  reader.on('line', (line) => {
    if (/[}\]]$/.test(line)) lines.push(JSON.parse(line))
  })
  await pollUntil(() => child.enough(lines) || member.exitCode !== null, {
    limitMs: 60_000,
    everyMs: 2,
    what: child.role,
  })
  member.kill('SIGKILL')
  const [, signal] = await ended
  t.is(signal, 'SIGKILL')
  return lines
}

export const crashContract = (test: TestFn, make: MakeBusPlace): void => {
  test('a producer killed -9 at seeded moments: every acknowledged record is at its place', async (t) => {
    const place = await make(t)
    const seed = Number(process.env.BUS_SEED ?? randomInt(2 ** 31))
    t.log(`BUS_SEED=${seed}`)
    const random = seededRandom(seed)
    const acknowledged: (Placed & { sha256: string })[] = []
    for (const round of numbers(4)) {
      const calls = 1 + Math.floor(random() * 300)
      const produce = { role: 'produce' as const, options: { seed: seed + round } }
      const lines = await killedChild(t, place, { ...produce, enough: ({ length }) => length >= calls })
      acknowledged.push(...(lines as (typeof acknowledged)[]).flat())
      const bus = await place.open()
      for (const partition of numbers(bus.partitions('session-events'))) {
        const records = await bus.read({ topic: 'session-events', partition }, 0, 1_000_000)
        t.deepEqual(
          records.map(({ offset }) => offset),
          numbers(records.length),
        )
        for (const { offset, sha256 } of acknowledged.filter((one) => one.partition === partition)) {
          t.is(createHash('sha256').update(records[offset]!.value).digest('hex'), sha256, `${partition}/${offset}`)
        }
      }
      await bus.close()
    }
    t.true(acknowledged.length > 4)
  })

  test('a member killed -9 before its commit: the group gets the run again from the committed offset', async (t) => {
    const place = await make(t)
    const first = await place.open()
    const [placed] = await first.produce(numbers(30).map((n) => record('k', `${n}`)))
    await first.close()
    type Line = { committed?: number; delivered?: number }
    const isDelivered = (lines: unknown[]) => (lines as Line[]).some(({ delivered }) => delivered !== undefined)
    const consume = { role: 'consume' as const, options: { group: 'g', until: 11 } }
    const lines = (await killedChild(t, place, { ...consume, enough: isDelivered })) as Line[]
    t.is(lines.findLast(({ committed }) => committed !== undefined)?.committed, 11)
    const bus = await place.open()
    t.teardown(() => bus.close())
    const seen = await watch(bus, 'g', {})
    await until(() => seen.records.length >= 19)
    t.deepEqual(seen.records.map(textOf).map(Number), numbers(30).slice(11))
    t.like(
      (await bus.lag()).find(({ partition }) => partition === placed!.partition),
      { committed: 11, end: 30 },
    )
  })

  test('a member killed -9 while it commits: no acknowledged commit is lost', async (t) => {
    const place = await make(t)
    const first = await place.open()
    const [placed] = await first.produce(numbers(2000).map((n) => record('k', `${n}`)))
    await first.close()
    const moment = randomInt(5, 100)
    const lines = await killedChild(t, place, {
      role: 'consume',
      options: { group: 'g', until: 2000 },
      enough: ({ length }) => length >= moment,
    })
    const last = (lines as { committed: number }[]).at(-1)!.committed
    const bus = await place.open()
    t.teardown(() => bus.close())
    const { committed } = (await bus.lag()).find(({ partition }) => partition === placed!.partition)!
    t.true(committed === last || committed === last + 1, `acknowledged ${last}, found ${committed}`)
  })
}
