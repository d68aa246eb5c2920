import { appendFile, open, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import type { Bus, NewRecord, Placed } from '#services/bus/bus.ts'
import { numbers, record, textOf, watch } from '#test/contract/bus-place.ts'
import { type LogBusSettings, openLogBus, retentionMs } from '#test/helpers/open-log-bus.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { until } from '#test/helpers/until.ts'

const at = { topic: 'log-entries', partition: 0 } as const
const leaf = (text: string): NewRecord => record('leaf', text, 'log-entries')
const partitionFolder = (folder: string) => join(folder, 'log-entries', '0')
const segments = async (folder: string): Promise<string[]> =>
  (await readdir(partitionFolder(folder))).sort().map((name) => join(partitionFolder(folder), name))
const texts = async (bus: Bus): Promise<string[]> => (await bus.read(at, 0, 10_000)).map(textOf)

/** Opens, acts, closes. */
const session = async <T>(settings: LogBusSettings, act: (bus: Bus) => Promise<T>): Promise<T> => {
  const bus = await openLogBus(settings)
  try {
    return await act(bus)
  } finally {
    await bus.close()
  }
}
/** Each call is a group of its own. Returns where each ends in the file. */
const produceSingly = async (folder: string, values: string[]): Promise<number[]> =>
  session({ folder }, async (bus) => {
    const ends: number[] = []
    for (const value of values) {
      await bus.produce([leaf(value)])
      ends.push((await stat((await segments(folder)).at(-1)!)).size)
    }
    return ends
  })
const flipByte = async (path: string, position: number): Promise<void> => {
  const handle = await open(path, 'r+')
  const { buffer } = await handle.read(Buffer.alloc(1), 0, 1, position)
  await handle.write(Buffer.from([buffer[0]! ^ 0x40]), 0, 1, position)
  await handle.close()
}
const corrupt = { code: 'BTZ_BUS_CORRUPT' }

/** The last record is not there after a reopen, all before it are, and its offset is given out again. */
const expectRepaired = async (t: ExecutionContext, folder: string, kept: string[]): Promise<void> =>
  session({ folder }, async (bus) => {
    t.deepEqual(await texts(bus), kept)
    t.is((await bus.produce([leaf('next')]))[0]!.offset, kept.length)
    t.deepEqual(await texts(bus), [...kept, 'next'])
  })

test('a record cut off anywhere at the end of the log is removed at open, and the log goes on', async (t) => {
  const folder = await temporaryFolder(t)
  const kept = ['first', 'second']
  const [, start, end] = await produceSingly(folder, [...kept, 'third'])
  for (let size = end! - 1; size > start!; size -= 7) {
    const [path] = await segments(folder)
    await truncate(path!, size)
    await expectRepaired(t, folder, kept)
    await truncate(path!, start)
    await produceSingly(folder, ['third'])
  }
})

test('zeros or foreign bytes at the end of the log are removed at open', async (t) => {
  const folder = await temporaryFolder(t)
  await produceSingly(folder, ['first'])
  for (const garbage of [Buffer.alloc(10_000), Buffer.alloc(3), Buffer.alloc(10_000, 'garbage ')]) {
    const [path] = await segments(folder)
    const { size } = await stat(path!)
    await appendFile(path!, garbage)
    await session({ folder }, async (bus) => t.deepEqual(await texts(bus), ['first']))
    t.is((await stat(path!)).size, size)
  }
})

test('a hole within the last group is a torn tail, though intact records of that group follow', async (t) => {
  const folder = await temporaryFolder(t)
  await session({ folder }, async (bus) => {
    await bus.produce([leaf('acknowledged')])
    await bus.produce(['a', 'hole here', 'c', 'd'].map(leaf))
  })
  const [path] = await segments(folder)
  await flipByte(path!, (await readFile(path!)).indexOf('hole here'))
  await expectRepaired(t, folder, ['acknowledged', 'a'])
})

test('damage before acknowledged records is refused with file and offset, and nothing is changed', async (t) => {
  const folder = await temporaryFolder(t)
  const ends = await produceSingly(folder, numbers(6).map(String))
  const [path] = await segments(folder)
  const [start, end] = [ends[2]!, ends[3]!]
  for (let position = start; position < end; position += 3) {
    await flipByte(path!, position)
    const damaged = await readFile(path!)
    await t.throwsAsync(openLogBus({ folder }), { ...corrupt, message: new RegExp(`^${path}: .* at offset 3$`) })
    t.deepEqual(await readFile(path!), damaged)
    await flipByte(path!, position)
  }
  await session({ folder }, async (bus) => t.deepEqual(await texts(bus), numbers(6).map(String)))
})

test('damage in an older file is met by who reads that record: what is before and beside it is delivered', async (t) => {
  const folder = await temporaryFolder(t)
  const values = numbers(40).map((n) => `${n}`.padStart(2000))
  const ends = await produceSingly(folder, values.slice(0, 3))
  await produceSingly(folder, values.slice(3))
  const [oldest] = await segments(folder)
  await flipByte(oldest!, ends[1]! + 100)
  const bus = await openLogBus({ folder })
  t.teardown(() => bus.close())
  t.deepEqual((await bus.read(at, 0, 2)).map(textOf), values.slice(0, 2))
  await t.throwsAsync(bus.read(at, 2, 1), { ...corrupt, message: new RegExp(`^${oldest}: .* at offset 2$`) })
  t.deepEqual((await bus.read(at, 20, 20)).map(textOf), values.slice(20))
  const errors: unknown[] = []
  const delivered: string[] = []
  const onRecords = async (run: { records: { value: Uint8Array }[] }) => void delivered.push(...run.records.map(textOf))
  await bus.subscribe(
    { group: 'g', topics: ['log-entries', 'alerts'], onError: (error) => errors.push(error) },
    { onRecords },
  )
  await bus.produce([record('k', 'beside', 'alerts')])
  await until(() => errors.length > 0 && delivered.includes('beside'))
  t.like(errors[0], corrupt)
  t.deepEqual(delivered.toSorted(), [...values.slice(0, 2), 'beside'].toSorted())
})

test('an older file that is gone or cut short is damage, not an end', async (t) => {
  const folder = await temporaryFolder(t)
  const values = numbers(40).map((n) => `${n}`.padStart(2000))
  const ends = await produceSingly(folder, values)
  const [first, second] = await segments(folder)
  await truncate(first!, ends[3]!)
  await rm(second!)
  await session({ folder }, async (bus) => {
    t.is((await bus.read(at, 0, 4)).length, 4)
    await t.throwsAsync(bus.read(at, 4, 1), { ...corrupt, message: new RegExp(`^${first}: .* at offset 4$`) })
  })
})

test('a log that ends before what a group has committed is refused: its offsets would be given out again', async (t) => {
  const folder = await temporaryFolder(t)
  const ends = await produceSingly(folder, ['a', 'b', 'c'])
  await session({ folder }, async (bus) => {
    const seen = await watch(bus, 'g', { topics: ['log-entries'] })
    await until(() => seen.records.length === 3)
    await seen.subscription.commit(at, 3)
  })
  await truncate((await segments(folder))[0]!, ends[1])
  await t.throwsAsync(openLogBus({ folder }), { ...corrupt, message: /log-entries.0: .* group g .* at offset 3$/ })
  await rm(join(folder, 'log-entries'), { recursive: true })
  await t.throwsAsync(openLogBus({ folder }), corrupt)
})

test('a bus whose identity or commits are unreadable is refused, not made anew', async (t) => {
  const folder = await temporaryFolder(t)
  await session({ folder }, async (bus) => {
    await bus.produce([leaf('a')])
    await watch(bus, 'g', { topics: ['log-entries'] })
  })
  for (const name of ['bus.json', 'groups.json']) {
    const path = join(folder, name)
    const content = await readFile(path)
    await writeFile(path, content.subarray(0, -5))
    await t.throwsAsync(openLogBus({ folder }), { ...corrupt, message: new RegExp(`^${path}`) })
    await writeFile(path, content)
  }
  await rm(join(folder, 'bus.json'))
  await t.throwsAsync(openLogBus({ folder }), corrupt)
})

test('partition counts stay those of the first day', async (t) => {
  const folder = await temporaryFolder(t)
  await session({ folder, partitions: 3 }, async (bus) => t.is(bus.partitions('alerts'), 3))
  await session({ folder, partitions: 8 }, async (bus) => t.is(bus.partitions('alerts'), 3))
})

test('the bytes given to produce may be used for something else right after the call', async (t) => {
  const folder = await temporaryFolder(t)
  await session({ folder }, async (bus) => {
    const value = Buffer.from('as it was')
    const produced = bus.produce([{ topic: 'log-entries', key: 'k', value }])
    value.fill(0)
    await produced
    t.deepEqual(await texts(bus), ['as it was'])
  })
})

test('a member that changes its records harms no other group', async (t) => {
  const folder = await temporaryFolder(t)
  await session({ folder }, async (bus) => {
    const vandal = await watch(bus, 'vandal', {
      topics: ['log-entries'],
      act: async ({ records }) => void records.map(({ value }) => value.fill(0)),
    })
    await bus.produce([leaf('kept')])
    await until(() => vandal.records.length === 1)
    t.deepEqual(await texts(bus), ['kept'])
  })
})

const producedAndCommitted = (folder: string, commits: Record<string, number>): Promise<Placed> =>
  session({ folder }, async (bus) => {
    const placed = await bus.produce([leaf('first')])
    for (const n of numbers(60)) await bus.produce([leaf(`${n}`.padStart(1000))])
    for (const [group, offset] of Object.entries(commits)) {
      const seen = await watch(bus, group, { topics: ['log-entries'] })
      await until(() => seen.records.length === 61)
      await seen.subscription.commit(at, offset)
    }
    return placed[0]!
  })

test('what every group has committed goes after its retention, and offsets go on where they were', async (t) => {
  const folder = await temporaryFolder(t)
  await producedAndCommitted(folder, { a: 61, b: 61 })
  t.true((await segments(folder)).length > 3)
  await session({ folder, aheadMs: retentionMs - 60_000 }, async (bus) => t.is((await texts(bus)).length, 61))
  await session({ folder, aheadMs: retentionMs + 60_000 }, async (bus) => t.deepEqual(await texts(bus), []))
  t.is((await segments(folder)).length, 1)
  await session({ folder }, async (bus) => {
    t.is((await bus.produce([leaf('next')]))[0]!.offset, 61)
    const seen = await watch(bus, 'a', { topics: ['log-entries'] })
    await until(() => seen.records.length === 1)
    t.deepEqual(seen.records.map(textOf), ['next'])
  })
})

test('one group that is behind keeps its records and all later ones, though others are done', async (t) => {
  const folder = await temporaryFolder(t)
  await producedAndCommitted(folder, { done: 61, behind: 30 })
  const before = await segments(folder)
  await session({ folder, aheadMs: retentionMs + 60_000 }, async (bus) => {
    const kept = (await bus.read(at, 0, 1000)).map(({ offset }) => offset)
    t.true(kept[0]! > 0 && kept[0]! <= 30)
    t.is(kept.at(-1), 60)
  })
  const after = await segments(folder)
  t.deepEqual(after, before.slice(-after.length))
})

test('retention also runs when a file is full, without a restart', async (t) => {
  const folder = await temporaryFolder(t)
  await session({ folder, retentionMs: 0, aheadMs: 60_000 }, async (bus) => {
    for (const n of numbers(100)) await bus.produce([leaf(`${n}`.padStart(1000))])
    await until(async () => (await segments(folder)).length <= 2, { what: 'removal of old files' })
    const kept = (await bus.read(at, 0, 1000)).map(({ offset }) => offset)
    t.deepEqual(kept, numbers(100).slice(kept[0]))
    t.true(kept.length > 0 && kept.length < 50)
  })
})

test('who is slower than what comes one by one gets all that waits as one run', async (t) => {
  const folder = await temporaryFolder(t)
  await session({ folder }, async (bus) => {
    const gate = Promise.withResolvers<void>()
    const seen = await watch(bus, 'a', { topics: ['log-entries'], act: () => gate.promise })
    for (const n of numbers(200)) await bus.produce([leaf(`${n}`)])
    gate.resolve()
    await until(() => seen.records.length === 200)
    t.deepEqual(
      seen.records.map(textOf),
      numbers(200).map((n) => `${n}`),
    )
    t.is(seen.runs.length, 2)
  })
})
