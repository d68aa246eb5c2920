import { open, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import type { Bus, BusRecord } from '#services/bus/bus.ts'
import { record, textOf, watch } from '#test/contract/bus-place.ts'
import { openLogBus } from '#test/helpers/open-log-bus.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { until } from '#test/helpers/until.ts'

const topic = 'log-entries'
const at = { topic, partition: 0 } as const
const texts = async (bus: Bus): Promise<string[]> => (await bus.read(at, 0, 10_000)).map(textOf)
const wanted = ({ value }: BusRecord): boolean => Buffer.from(value).includes('secret')
const filesIn = async (folder: string): Promise<string[]> => {
  const names = await readdir(join(folder, topic, '0'))
  return names.sort().map((name) => join(folder, topic, '0', name))
}
const bytesIn = async (folder: string): Promise<Buffer> =>
  Buffer.concat(await Promise.all((await filesIn(folder)).map((file) => readFile(file))))

/** Over several files: the small ones of tests take 16 KiB. */
const fill = async (bus: Bus, count: number): Promise<string[]> => {
  const all = Array.from({ length: count }, (_, n) => `${n % 3 === 0 ? 'secret' : 'plain'} ${n} ${'x'.repeat(400)}`)
  for (const text of all) await bus.produce([record('leaf', text, topic)])
  return all.filter((text) => !text.startsWith('secret'))
}

test('erased records are in no file, are given to nobody, and leave all others at their offsets', async (t) => {
  const folder = await temporaryFolder(t)
  const bus = await openLogBus({ folder })
  const kept = await fill(bus, 120)
  const before = await bus.read(at, 0, 200)
  t.is(await bus.erase([topic], 'secret', wanted), 40)
  t.false((await bytesIn(folder)).includes('secret'))
  t.deepEqual(await texts(bus), kept)
  t.deepEqual(
    (await bus.read(at, 0, 200)).map(({ offset }) => offset),
    before.filter((one) => !wanted(one)).map(({ offset }) => offset),
  )
  t.is(await bus.erase([topic], 'secret', wanted), 0, 'twice is once')
  const seen = await watch(bus, 'late', { topics: [topic] })
  await until(() => seen.records.length === kept.length, { limitMs: 30_000 })
  t.deepEqual(seen.records.map(textOf), kept)
  await seen.subscription.close()
  const placed = await bus.produce([record('leaf', 'next', topic)])
  t.is(placed[0]!.offset, 120)
  await bus.close()
  const again = await openLogBus({ folder })
  t.deepEqual(await texts(again), [...kept, 'next'])
  await again.close()
})

test('only what matches is erased: a record that merely mentions the text stays', async (t) => {
  const bus = await openLogBus({ folder: await temporaryFolder(t) })
  await bus.produce(['secret 1', 'a secret of others', 'plain'].map((text) => record('leaf', text, topic)))
  const isOurs = ({ value }: BusRecord): boolean => Buffer.from(value).toString().startsWith('secret')
  t.is(await bus.erase([topic], 'secret', isOurs), 1)
  t.deepEqual(await texts(bus), ['a secret of others', 'plain'])
  await bus.close()
})

test('a record that writes what it mentions with escapes is found all the same', async (t) => {
  const bus = await openLogBus({ folder: await temporaryFolder(t) })
  await bus.produce([record('leaf', '{"sessionId":"\\u0073ecret"}', topic)])
  const isOurs = ({ value }: BusRecord): boolean => JSON.parse(Buffer.from(value).toString()).sessionId === 'secret'
  t.is(await bus.erase([topic], 'secret', isOurs), 1)
  await bus.close()
})

test('erasing changes no age: files go when the retention says so', async (t) => {
  const folder = await temporaryFolder(t)
  const bus = await openLogBus({ folder })
  await fill(bus, 60)
  const [first] = await filesIn(folder)
  const { mtimeMs } = await stat(first!)
  await bus.erase([topic], 'secret', wanted)
  t.true(Math.abs((await stat(first!)).mtimeMs - mtimeMs) < 1)
  await bus.close()
})

test('what a crash cut short in the middle of a record is ended at the next start', async (t) => {
  const folder = await temporaryFolder(t)
  const bus = await openLogBus({ folder })
  await bus.produce([record('leaf', `secret ${'x'.repeat(2_000)}`, topic)])
  await bus.produce([record('leaf', 'plain', topic)])
  await bus.close()
  const [file] = await filesIn(folder)
  const whole = await readFile(file!)
  const erasing = await openLogBus({ folder })
  await erasing.erase([topic], 'secret', wanted)
  await erasing.close()
  const erased = await readFile(file!)
  const frameBytes = whole.readUInt32BE(12)
  const frame = { position: 0, frameBytes, start: erased.subarray(0, 42 + 'leaf'.length).toString('base64') }
  for (const written of [0, 30, 700, frameBytes]) {
    await writeFile(file!, Buffer.concat([erased.subarray(0, written), whole.subarray(written)]))
    const name = '00000000000000000000.log'
    await writeFile(join(folder, topic, '0', 'erasing.json'), JSON.stringify({ file: name, frames: [frame] }))
    const resumed = await openLogBus({ folder })
    t.deepEqual(await texts(resumed), ['plain'])
    await resumed.close()
    t.deepEqual(await readFile(file!), erased)
    t.deepEqual(await filesIn(folder), [file])
  }
})

test('members go on reading while records before and after are erased', async (t) => {
  const bus = await openLogBus({ folder: await temporaryFolder(t) })
  const seen = await watch(bus, 'now', { topics: [topic] })
  let count = 0
  for (let round = 0; round < 10; round++) {
    await fill(bus, 12)
    count += (await bus.erase([topic], 'secret', wanted)) ?? 0
  }
  await bus.produce([record('leaf', 'last', topic)])
  await until(() => seen.records.some((one) => textOf(one) === 'last'), { limitMs: 30_000 })
  t.is(count, 40)
  const plain = seen.records.map(textOf).filter((text) => text.startsWith('plain'))
  t.is(plain.length, 80)
  await seen.subscription.close()
  await bus.close()
})

test('a damaged record is met, and nothing is called erased', async (t) => {
  const folder = await temporaryFolder(t)
  const bus = await openLogBus({ folder })
  await fill(bus, 60)
  const [file] = await filesIn(folder)
  const handle = await open(file!, 'r+')
  await handle.write(Buffer.from('zz'), 0, 2, 600)
  await handle.close()
  await t.throwsAsync(bus.erase([topic], 'secret', wanted), { code: 'BTZ_BUS_CORRUPT' })
  await bus.close()
})
