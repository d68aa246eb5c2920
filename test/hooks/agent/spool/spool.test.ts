import { appendFile, readdir, readFile, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import fc from 'fast-check'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { append, openTestSpool, readAll } from './open.ts'

const segmentsOf = async (folder: string): Promise<string[]> =>
  (await readdir(join(folder, 'spool')))
    .filter((name) => name.endsWith('.spool'))
    .sort()
    .map((name) => join(folder, 'spool', name))

test('what gathers while a sync runs shares the next one', async (t) => {
  const spool = await openTestSpool(t, await temporaryFolder(t))
  await Promise.all(Array.from({ length: 500 }, (_, seq) => append(spool, seq, `record ${seq}`)))
  const records = await readAll(spool)
  t.deepEqual(
    records.map(({ seq }) => seq),
    Array.from({ length: 500 }, (_, seq) => seq),
  )
  t.true(new Set(records.map(({ groupStart }) => groupStart)).size <= 2)
})

test('an append is resolved only when a reader of the files finds it', async (t) => {
  const folder = await temporaryFolder(t)
  const spool = await openTestSpool(t, folder)
  for (let seq = 0; seq < 5; seq++) {
    await append(spool, seq, `durable ${seq}`)
    const [file] = await segmentsOf(folder)
    t.true((await readFile(file!)).includes(`durable ${seq}`))
  }
})

test('records come back as they were written, whatever is in them', async (t) => {
  const folder = await temporaryFolder(t)
  const bodies = fc.array(fc.uint8Array({ maxLength: 5000 }), { minLength: 1, maxLength: 30 })
  let run = 0
  await fc.assert(
    fc.asyncProperty(bodies, async (written) => {
      const here = join(folder, String(run++))
      const spool = await openTestSpool(t, here, { config: { segmentBytes: 3000 } })
      await Promise.all(written.map((body, seq) => append(spool, seq, body)))
      const read = await readAll(spool)
      t.deepEqual(
        read.map(({ body }) => Buffer.from(body)),
        written.map((body) => Buffer.from(body)),
      )
      await spool.close(1000)
    }),
    { numRuns: 15 },
  )
})

test('a restart gets the newest checkpoint and what came after it, and goes on behind', async (t) => {
  const folder = await temporaryFolder(t)
  const first = await openTestSpool(t, folder, { config: { segmentBytes: 200 } })
  for (let seq = 0; seq < 8; seq++) await append(first, seq, 'x'.repeat(150))
  await first.close(1000)
  const second = await openTestSpool(t, folder)
  t.is(second.recovered[0]!.type, 'checkpoint')
  t.is(second.recovered.at(-1)!.seq, 7)
  t.true(second.recovered.length < 8)
  await append(second, 8, 'after the restart')
  t.deepEqual(
    (await readAll(second)).map(({ seq }) => seq),
    [0, 1, 2, 3, 4, 5, 6, 7, 8],
  )
})

test('a torn tail is cut off wherever the write stopped, and nothing before it is lost', async (t) => {
  const folder = await temporaryFolder(t)
  const spool = await openTestSpool(t, folder)
  await append(spool, 0, 'safe')
  const [file] = await segmentsOf(folder)
  const safeBytes = (await stat(file!)).size
  await append(spool, 1, 'y'.repeat(100))
  await spool.close(1000)
  const whole = await readFile(file!)
  for (const cut of [1, 30, 47, 48, 49, 147]) {
    await writeFile(file!, whole)
    await truncate(file!, safeBytes + cut)
    const again = await openTestSpool(t, folder)
    t.deepEqual(
      again.recovered.filter(({ type }) => type === 'event').map(({ seq }) => seq),
      [0],
    )
    t.deepEqual(again.damages, [])
    t.is((await stat(file!)).size, safeBytes)
    await again.close(1000)
  }
})

test('a group of which only later pages reached the disk is a torn tail, not damage', async (t) => {
  const folder = await temporaryFolder(t)
  const spool = await openTestSpool(t, folder)
  await append(spool, 0, 'safe')
  const [file] = await segmentsOf(folder)
  const safeBytes = (await stat(file!)).size
  await Promise.all([append(spool, 1, 'z'.repeat(100)), append(spool, 2, 'later'), append(spool, 3, 'latest')])
  await spool.close(1000)
  const bytes = await readFile(file!)
  bytes.fill(0, safeBytes, safeBytes + 60)
  await writeFile(file!, bytes)
  const again = await openTestSpool(t, folder)
  t.deepEqual(
    again.recovered.filter(({ type }) => type === 'event').map(({ seq }) => seq),
    [0],
  )
  t.deepEqual(again.damages, [])
})

test('damage in what was durable is passed over and told, and everything around it is kept', async (t) => {
  const folder = await temporaryFolder(t)
  const spool = await openTestSpool(t, folder)
  await append(spool, 0, 'before')
  const [file] = await segmentsOf(folder)
  const damagedAt = (await stat(file!)).size
  await append(spool, 1, 'q'.repeat(100))
  await append(spool, 2, 'after')
  await spool.close(1000)
  const bytes = await readFile(file!)
  bytes[damagedAt + 70]! ^= 1
  await writeFile(file!, bytes)
  const again = await openTestSpool(t, folder)
  t.deepEqual(again.damages, [damagedAt])
  t.deepEqual(
    again.recovered.filter(({ type }) => type === 'event').map(({ seq }) => seq),
    [0, 2],
  )
  const { records, damages, nextPosition } = await again.read(0, 1024 * 1024)
  t.deepEqual(
    records.map(({ seq }) => seq),
    [0, 2],
  )
  t.deepEqual(damages, [damagedAt])
  t.is(nextPosition, again.durablePosition)
})

test('bytes that look like a record of another place are not taken for one', async (t) => {
  const folder = await temporaryFolder(t)
  const spool = await openTestSpool(t, folder)
  await append(spool, 0, 'real')
  await spool.close(1000)
  const [file] = await segmentsOf(folder)
  const bytes = await readFile(file!)
  await appendFile(file!, bytes)
  const again = await openTestSpool(t, folder)
  t.deepEqual(
    again.recovered.filter(({ type }) => type === 'event').map(({ seq }) => seq),
    [0],
  )
})

test('acknowledged segments are deleted, the newest never, and the position survives a restart', async (t) => {
  const folder = await temporaryFolder(t)
  const spool = await openTestSpool(t, folder, { config: { segmentBytes: 200 } })
  for (let seq = 0; seq < 6; seq++) await append(spool, seq, 'x'.repeat(150))
  t.is((await segmentsOf(folder)).length, 6)
  const usedBytes = spool.usedBytes
  const { nextPosition } = await spool.read(0, 700)
  spool.acknowledge(nextPosition)
  await spool.release()
  t.true((await segmentsOf(folder)).length < 6)
  t.true(spool.usedBytes < usedBytes)
  spool.acknowledge(spool.durablePosition)
  await spool.release()
  t.is((await segmentsOf(folder)).length, 1)
  await spool.close(1000)
  const again = await openTestSpool(t, folder)
  t.is(again.acknowledgedPosition, again.durablePosition)
  await append(again, 6, 'new')
  t.deepEqual(
    (await readAll(again, again.acknowledgedPosition)).map(({ seq }) => seq),
    [6],
  )
})

test('a spool whose segments were removed does not use their positions again', async (t) => {
  const folder = await temporaryFolder(t)
  const spool = await openTestSpool(t, folder)
  await append(spool, 0, 'x')
  spool.acknowledge(spool.durablePosition)
  const { durablePosition } = spool
  await spool.close(1000)
  for (const file of await segmentsOf(folder)) await truncate(file, 0)
  const again = await openTestSpool(t, folder)
  await append(again, 1, 'y')
  t.true(again.durablePosition > durablePosition)
  t.deepEqual(
    (await readAll(again, again.acknowledgedPosition)).map(({ seq }) => seq),
    [1],
  )
})

test('a segment goes only when the holder says so, unless room is short', async (t) => {
  const folder = await temporaryFolder(t)
  let mayGo = false
  const spool = await openTestSpool(t, folder, {
    config: { segmentBytes: 200, maxBytes: 64 * 1024 },
    mayRelease: async () => mayGo,
  })
  for (let seq = 0; seq < 4; seq++) await append(spool, seq, 'x'.repeat(150))
  spool.acknowledge(spool.durablePosition)
  await spool.release()
  t.is((await segmentsOf(folder)).length, 4)
  mayGo = true
  await spool.release()
  t.is((await segmentsOf(folder)).length, 1)
  mayGo = false
  for (let seq = 4; spool.level === 'ok'; seq++) await append(spool, seq, 'x'.repeat(1500))
  const before = (await segmentsOf(folder)).length
  spool.acknowledge(spool.durablePosition)
  await spool.release()
  t.true((await segmentsOf(folder)).length < before)
})
