import { appendFile, copyFile, rename, rm, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { type FollowFileOptions, followFile } from '#hooks/openssh/follow-file.ts'
import type { LineSource, Position, SourceProblem } from '#hooks/openssh/line-source.ts'
import type { FilePosition } from '#hooks/openssh/log-file.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { until } from '#test/helpers/until.ts'

const limit = { limitMs: 30_000 }

/** A source and what came of it. */
const following = async (t: ExecutionContext, options: Omit<FollowFileOptions, 'onProblem'>) => {
  const lines: string[] = []
  const positions: Position[] = []
  const problems: SourceProblem[] = []
  const source: LineSource = followFile({ ...options, onProblem: (problem) => problems.push(problem) })
  await source.start(async (batch, position) => {
    lines.push(...batch)
    positions.push(position)
  })
  t.teardown(() => source.close())
  const has = (...expected: string[]) =>
    until(() => lines.length >= expected.length, limit).then(() => t.deepEqual(lines, expected))
  return { lines, positions, problems, source, has, last: () => positions.at(-1) as FilePosition }
}

const setUp = async (t: ExecutionContext, content?: string) => {
  const path = join(await temporaryFolder(t), 'auth.log')
  if (content !== undefined) await writeFile(path, content)
  return { path, ...(await following(t, { path, from: null })) }
}

test('reads a log from its beginning, and what is added to it', async (t) => {
  const { path, has } = await setUp(t, 'one\ntwo\r\n')
  await has('one', 'two')
  await appendFile(path, 'three\n')
  await has('one', 'two', 'three')
})

test('waits for a log that is not there yet, and for one that is empty', async (t) => {
  const { path, has } = await setUp(t)
  await writeFile(path, '')
  await appendFile(path, 'one\n')
  await has('one')
})

test('half a line waits for its other half', async (t) => {
  const { path, has, lines } = await setUp(t, 'one\nhal')
  await has('one')
  await appendFile(path, 'f a line')
  await appendFile(path, ' \u00e4\n')
  await has('one', 'half a line \u00e4')
  t.is(lines.length, 2)
})

test('a log that is renamed is read to its end, then the new one of its name', async (t) => {
  const { path, has } = await setUp(t, 'one\n')
  await has('one')
  await rename(path, `${path}.1`)
  await writeFile(path, '')
  await appendFile(`${path}.1`, 'two, by a writer that has not noticed\n')
  await appendFile(path, 'three\n')
  await has('one', 'two, by a writer that has not noticed', 'three')
})

test('a log that is renamed twice before anyone looks loses nothing', async (t) => {
  const { path, has } = await setUp(t, 'one\n')
  await has('one')
  await appendFile(path, 'two\n')
  await rename(path, `${path}.2`)
  await writeFile(path, 'three\n')
  await rename(path, `${path}.1`)
  await writeFile(path, 'four\n')
  await has('one', 'two', 'three', 'four')
})

test('a log that is copied and emptied goes on from its new beginning', async (t) => {
  const { path, has } = await setUp(t, 'one\ntwo\n')
  await has('one', 'two')
  await copyFile(path, `${path}.1`)
  await truncate(path)
  await appendFile(path, 'three, longer than all that stood there before\n')
  await has('one', 'two', 'three, longer than all that stood there before')
})

test('what was not read before a log was emptied is read from its copy', async (t) => {
  const folder = await temporaryFolder(t)
  const path = join(folder, 'auth.log')
  await writeFile(path, 'one\n')
  const first = await following(t, { path, from: null })
  await first.has('one')
  await first.source.close()
  await appendFile(path, 'two\n')
  await copyFile(path, `${path}.1`)
  await truncate(path)
  await appendFile(path, 'three\n')
  const second = await following(t, { path, from: first.last() })
  await second.has('two', 'three')
  t.deepEqual(second.problems, [])
})

test('a log that disappears and comes back is read on', async (t) => {
  const { path, has } = await setUp(t, 'one\n')
  await has('one')
  await rm(path)
  await writeFile(path, 'two\n')
  await has('one', 'two')
})

test('goes on from a position, also where the log was rotated twice meanwhile', async (t) => {
  const { path, has, source, last } = await setUp(t, 'one\ntwo\n')
  await has('one', 'two')
  await source.close()
  await appendFile(path, 'three\n')
  await rename(path, `${path}.2`)
  await writeFile(`${path}.1`, 'four\n')
  await writeFile(path, 'five\n')
  const again = await following(t, { path, from: last() })
  await again.has('three', 'four', 'five')
  t.deepEqual(again.problems, [])
})

test('a position in a file that is gone is said, and the log is read from its beginning', async (t) => {
  const { path, has, source, last } = await setUp(t, 'one\n')
  await has('one')
  await source.close()
  await rm(path)
  await writeFile(path, 'another\n') // often under the same inode number
  const again = await following(t, { path, from: last() })
  await again.has('another')
  t.deepEqual(
    again.problems.map(({ reason }) => reason),
    ['data_lost'],
  )
})

test('an endless line and bytes that were never written do not stop what follows', async (t) => {
  const { path, has, problems } = await setUp(t, 'one\n')
  await has('one')
  await appendFile(path, Buffer.alloc(1_000_000))
  await appendFile(path, `two\n${'x'.repeat(300_000)}\nthree\n`)
  await has('one', 'two', 'x'.repeat(65_536), 'three')
  t.deepEqual(problems, [{ reason: 'line_cut', detail: `${path}: a line over 64 KiB`, bytes: 300_000 - 65_536 }])
})

test('nothing is read while a batch is being taken, and a batch that is refused stops the source behind the one before', async (t) => {
  const path = join(await temporaryFolder(t), 'auth.log')
  await writeFile(path, 'one\n')
  const taken: string[] = []
  const problems: SourceProblem[] = []
  let release: () => void = () => {}
  const source = followFile({ path, from: null, onProblem: (problem) => problems.push(problem) })
  await source.start(async (lines) => {
    taken.push(...lines)
    if (taken.length > 1) throw new Error('no room')
    await new Promise<void>((resolve) => {
      release = resolve
    })
  })
  await until(() => taken.length === 1, limit)
  await appendFile(path, 'two\n')
  t.deepEqual(taken, ['one'])
  release()
  await until(() => problems.length === 1, limit)
  t.is(problems[0]?.reason, 'stopped')
  t.deepEqual(taken, ['one', 'two'])
  await source.close()
})
