import { rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import type { SpoolLevel } from '#hooks/agent/spool/limits.ts'
import { canMount, remountReadOnly, smallDisk } from '#test/helpers/mounted-folder.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { until } from '#test/helpers/until.ts'
import { append, openTestSpool, readAll } from './open.ts'

const diskTest = canMount ? test : test.skip
const MiB = 1024 * 1024

test('the level rises at 80, 95 and 100 percent, and what does not fit is refused without a trace', async (t) => {
  const spool = await openTestSpool(t, await temporaryFolder(t), { config: { maxBytes: 1024 * 1024, fsyncMs: 1 } })
  const levels: SpoolLevel[] = []
  spool.onLevel((level) => levels.push(level))
  let taken = 0
  await t.throwsAsync(
    async () => {
      for (;;) {
        await append(spool, taken, Buffer.alloc(10_000))
        taken++
      }
    },
    { code: 'BTZ_SPOOL_FULL' },
  )
  t.deepEqual(levels, ['warning', 'refusing', 'full'])
  t.false(spool.admits(1))
  t.true(spool.usedBytes <= 1024 * 1024)
  t.is((await readAll(spool)).length, taken)
  await append(spool, taken, 'the end of a session', true)
  spool.acknowledge(spool.durablePosition)
  await spool.release()
  t.is(levels.at(-1), 'ok')
  await append(spool, taken + 1, Buffer.alloc(10_000))
})

diskTest(
  'a full disk refuses new data, still takes the ends of sessions, and is used again when there is room',
  async (t) => {
    const disk = await smallDisk(t, 64 * MiB)
    const spool = await openTestSpool(t, disk, { config: { segmentBytes: 4 * 1024 * 1024 } })
    const durable: number[] = []
    await writeFile(join(disk, 'ballast'), Buffer.alloc(20 * 1024 * 1024))
    let seq = 0
    const fill = async (): Promise<void> => {
      for (;;) {
        const mine = seq++
        await append(spool, mine, Buffer.alloc(200_000, mine))
        durable.push(mine)
      }
    }
    await t.throwsAsync(fill(), { code: 'BTZ_SPOOL_FULL' })
    t.is(spool.level, 'full')
    const endSeq = seq++
    await append(spool, endSeq, 'the end of a session', true)
    t.deepEqual(
      (await readAll(spool)).map((record) => record.seq),
      [...durable, endSeq],
    )
    await rm(join(disk, 'ballast'))
    await until(() => spool.level !== 'full', { limitMs: 15_000, what: 'room on the disk' })
    await append(spool, seq, 'goes on')
    t.is((await readAll(spool)).at(-1)!.seq, seq)
  },
)

diskTest(
  'appends that were in flight when the disk became full are all durable or refused, and a restart agrees',
  async (t) => {
    const disk = await smallDisk(t, 48 * MiB)
    const spool = await openTestSpool(t, disk)
    await writeFile(join(disk, 'ballast'), Buffer.alloc(16 * 1024 * 1024))
    const outcomes = await Promise.all(
      Array.from({ length: 200 }, (_, seq) =>
        append(spool, seq, Buffer.alloc(150_000, seq)).then(
          () => seq,
          () => null,
        ),
      ),
    )
    const durable = outcomes.filter((seq) => seq !== null)
    t.true(durable.length > 0 && durable.length < 200)
    await spool.close(1000)
    const again = await openTestSpool(t, disk)
    t.deepEqual(
      (await readAll(again)).map(({ seq }) => seq),
      durable,
    )
  },
)

diskTest('a folder on a read-only file system is an error that says so', async (t) => {
  const disk = await smallDisk(t, 32 * MiB)
  remountReadOnly(disk)
  await t.throwsAsync(openTestSpool(t, disk), { code: 'BTZ_DATA_UNWRITABLE' })
})

test('a write that fails for another reason than room is told once, and nothing more is taken', async (t) => {
  const folder = await temporaryFolder(t)
  const spool = await openTestSpool(t, folder, { config: { segmentBytes: 1 } })
  await append(spool, 0, 'fine')
  await rename(join(folder, 'spool'), join(folder, 'moved'))
  const fatal: Error[] = []
  spool.onFatal((error) => fatal.push(error))
  await t.throwsAsync(append(spool, 1, 'lost'), { code: 'BTZ_DATA_UNWRITABLE' })
  await t.throwsAsync(append(spool, 2, 'lost'), { code: 'BTZ_DATA_UNWRITABLE' })
  t.is(fatal.length, 1)
  await rename(join(folder, 'moved'), join(folder, 'spool'))
  t.deepEqual(
    (await readAll(spool)).map(({ seq }) => seq),
    [0],
  )
})
