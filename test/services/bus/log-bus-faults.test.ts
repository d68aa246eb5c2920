import { spawn } from 'node:child_process'
import { readdir, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import { partitionOfKey } from '#services/bus/key-partition.ts'
import { headBytes } from '#services/bus/record-codec.ts'
import { numbers, record, textOf, watch } from '#test/contract/bus-place.ts'
import { canMount, smallDisk } from '#test/helpers/mounted-folder.ts'
import { openLogBus } from '#test/helpers/open-log-bus.ts'
import { realTest } from '#test/helpers/real.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { until } from '#test/helpers/until.ts'

const helper = (name: string) => fileURLToPath(new URL(`../../helpers/${name}`, import.meta.url))
const at = { topic: 'session-events', partition: partitionOfKey('k', 4) } as const
const partitionFolder = (folder: string) => join(folder, at.topic, String(at.partition))
const firstSegment = (folder: string) => join(partitionFolder(folder), `${'0'.repeat(20)}.log`)

/** What a process on the bus printed, while the system calls of `inject` on `path` failed. */
const printedUnder = async (folder: string, path: string, inject: string, role: string): Promise<unknown[]> => {
  const strace = ['-f', '-qqq', '-o', '/dev/null', '-P', path, '-e', `inject=${inject}`]
  const child = [helper('bus-child.ts'), helper('open-log-bus.ts'), 'openLogBus', JSON.stringify({ folder })]
  const args = [...strace, process.execPath, ...child, role, JSON.stringify({ count: 4 })]
  // strace counts `when` per thread: with one, the n-th call is the n-th.
  const env = { ...process.env, UV_THREADPOOL_SIZE: '1' }
  const { stdout } = spawn('strace', args, { stdio: ['ignore', 'pipe', 'inherit'], env })
  const lines = (await text(stdout)).trimEnd().split('\n')
  return lines.map((line) => JSON.parse(line))
}
/** Reads all there is after a reopen, and shows that the partition can be written again. */
const keptAfterReopen = async (folder: string): Promise<string[]> => {
  const bus = await openLogBus({ folder })
  const kept = (await bus.read(at, 0, 1000)).map(textOf)
  const [placed] = await bus.produce([record('k', 'after')])
  const [last] = await bus.read(at, placed!.offset, 1)
  await bus.close()
  return [...kept, textOf(last!)]
}

realTest(test, ['strace'], 'after a failed sync nothing more is acknowledged until a reopen', async (t) => {
  const folder = await temporaryFolder(t)
  const printed = await printedUnder(folder, firstSegment(folder), 'fdatasync:error=EIO:when=3', 'attempt')
  t.deepEqual(printed, [
    { n: 0, ...at, offset: 0 },
    { n: 1, ...at, offset: 1 },
    { n: 2, code: 'BTZ_UNAVAILABLE' },
    { n: 3, code: 'BTZ_UNAVAILABLE' },
  ])
  t.deepEqual(await keptAfterReopen(folder), ['0', '1', 'after'])
})

realTest(test, ['strace'], 'a record in a new file is not acknowledged when its folder cannot be synced', async (t) => {
  const folder = await temporaryFolder(t)
  const printed = await printedUnder(folder, partitionFolder(folder), 'fsync:error=EIO', 'attempt')
  t.deepEqual(
    printed,
    numbers(4).map((n) => ({ n, code: 'BTZ_UNAVAILABLE' })),
  )
  t.deepEqual(await keptAfterReopen(folder), ['after'])
})

realTest(test, ['strace'], 'a commit is not resolved when it cannot be synced', async (t) => {
  const folder = await temporaryFolder(t)
  const commitsFile = join(folder, 'groups.json.new')
  // The first sync is that of the group's registration.
  const printed = await printedUnder(folder, commitsFile, 'fsync:error=EIO:when=3', 'commitEach')
  t.deepEqual(printed, [
    { offset: 1, code: null },
    { offset: 2, code: 'EIO' },
    { offset: 3, code: null },
    { offset: 4, code: null },
  ])
})

const sum = (values: number[]): number => values.reduce((total, value) => total + value, 0)
const needsDisk = canMount ? ['root', 'mkfs.ext4', 'mount'] : ['a kernel that lets it mount']

realTest(
  test,
  needsDisk,
  'a full disk refuses with BTZ_DISK_FULL, loses nothing, and with room all goes on',
  async (t) => {
    const disk = await smallDisk(t, 16 * 1024 * 1024)
    const folder = join(disk, 'bus')
    const bus = await openLogBus({ folder, segmentBytes: 256 * 1024 })
    const seen = await watch(bus, 'g', {})
    await writeFile(join(disk, 'filler'), Buffer.alloc(5 * 1024 * 1024))
    const acknowledged: string[] = []
    const codes = new Set<string>()
    const produce = async (n: number) => {
      const value = `${n} `.repeat(10_000)
      try {
        await bus.produce([record('k', value)])
        acknowledged.push(value)
      } catch (error) {
        codes.add((error as { code: string }).code)
      }
    }
    for (let n = 0; codes.size === 0; n++) await produce(n)
    await Promise.all(numbers(20).map((n) => produce(n)))
    t.deepEqual([...codes], ['BTZ_DISK_FULL'])
    const names = await readdir(partitionFolder(folder))
    const sizes = await Promise.all(names.map(async (name) => (await stat(join(partitionFolder(folder), name))).size))
    const frameSizes = acknowledged.map((value) => headBytes + 1 + value.length)
    t.is(sum(sizes), sum(frameSizes), 'what was partly written is cut away')
    await rm(join(disk, 'filler'))
    codes.clear()
    await Promise.all(numbers(20).map((n) => produce(1000 + n)))
    t.is(codes.size, 0)
    await until(() => seen.records.length >= acknowledged.length)
    await seen.subscription.commit(at, acknowledged.length)
    await bus.close()
    t.deepEqual(seen.records.map(textOf).toSorted(), acknowledged.toSorted())
    const reopened = await openLogBus({ folder })
    const kept = (await reopened.read(at, 0, 100_000)).map(textOf)
    await reopened.close()
    t.deepEqual(kept, seen.records.map(textOf))
  },
)
