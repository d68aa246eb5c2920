import { createHash } from 'node:crypto'
import type { Bus, Topic } from '#services/bus/bus.ts'
import { seededRandom } from './seeded-random.ts'

/**
 * A process on a bus, to be killed. It prints what it was acknowledged, as JSON lines, and nothing before that.
 * Arguments: the module, factory and options that open the bus, the role and its own options.
 */
const topic: Topic = 'session-events'
const print = (line: unknown) => process.stdout.write(`${JSON.stringify(line)}\n`)

const produce = async (bus: Bus, { seed }: { seed: number }): Promise<void> => {
  const random = seededRandom(seed)
  const caller = async (name: number): Promise<void> => {
    for (let n = 0; ; n++) {
      const records = Array.from({ length: 1 + Math.floor(random() * 3) }, () => {
        const value = Buffer.alloc(Math.floor(random() ** 3 * 20_000), `${name}.${n}.${random()}`)
        return { topic, key: `key-${Math.floor(random() * 50)}`, value }
      })
      const placed = await bus.produce(records)
      const hashes = records.map(({ value }) => createHash('sha256').update(value).digest('hex'))
      print(placed.map((place, at) => ({ ...place, sha256: hashes[at] })))
    }
  }
  await Promise.all(Array.from({ length: 16 }, (_, name) => caller(name)))
}

/** Commits one record after the other up to `until`, then holds its run for ever. */
const consume = async (bus: Bus, { group, until }: { group: string; until: number }): Promise<void> => {
  const subscription = await bus.subscribe(
    { group, topics: [topic] },
    {
      async onRecords({ partition, records }) {
        for (const { offset } of records.filter((record) => record.offset < until)) {
          await subscription.commit({ topic, partition }, offset + 1)
          print({ partition, committed: offset + 1 })
        }
        print({ partition, delivered: records.at(-1)!.offset })
        // A promise alone would not keep the process alive.
        await new Promise((resolve) => setTimeout(resolve, 600_000))
      },
    },
  )
}

/** One call after the other; prints each place or error code, then ends. */
const attempt = async (bus: Bus, { count }: { count: number }): Promise<void> => {
  for (let n = 0; n < count; n++) {
    const produced = bus.produce([{ topic, key: 'k', value: Buffer.from(`${n}`) }])
    print(
      await produced.then(
        ([placed]) => ({ n, ...placed }),
        ({ code }) => ({ n, code }),
      ),
    )
  }
  await bus.close()
}

/** Commits offset after offset; prints each or its error code, then ends. */
const commitEach = async (bus: Bus, { count }: { count: number }): Promise<void> => {
  const [placed] = await bus.produce(
    Array.from({ length: count }, () => ({ topic, key: 'k', value: Buffer.from('x') })),
  )
  const delivered = Promise.withResolvers<void>()
  const subscription = await bus.subscribe(
    { group: 'g', topics: [topic] },
    { onRecords: async () => delivered.resolve() },
  )
  await delivered.promise
  for (let offset = 1; offset <= count; offset++) {
    const code = await subscription.commit(placed!, offset).then(
      () => null,
      (error) => error.code,
    )
    print({ offset, code })
  }
  await bus.close()
}

const roles = new Map<string, (bus: Bus, options: never) => Promise<void>>([
  ['produce', produce],
  ['consume', consume],
  ['attempt', attempt],
  ['commitEach', commitEach],
])
const [module, factory, options, role, roleOptions] = process.argv.slice(2) as [string, string, string, string, string]
const { [factory]: open } = (await import(module)) as Record<string, (options: unknown) => Promise<Bus>>
const bus = await open!(JSON.parse(options))
await roles.get(role)!(bus, JSON.parse(roleOptions) as never)
