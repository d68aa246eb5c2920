import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test, { type ExecutionContext } from 'ava'
import { acquireLock } from '#services/lock/sqlite-lock.ts'
import { canMount, remountReadOnly, smallDisk } from '#test/helpers/mounted-folder.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'

const childFile = fileURLToPath(new URL('./lock-child.ts', import.meta.url))
const here = { pid: process.pid, what: 'this test' }

const startHolder = async (t: ExecutionContext, file: string): Promise<{ child: ChildProcess; said: string }> => {
  const child = spawn(process.execPath, [childFile, file, 'the other one'], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.teardown(() => child.kill('SIGKILL'))
  const [said] = (await once(child.stdout!, 'data')) as [Buffer]
  return { child, said: said.toString().trim() }
}

const kill = async (child: ChildProcess): Promise<void> => {
  const exited = once(child, 'exit')
  child.kill('SIGKILL')
  await exited
}

test('while a process holds the lock, another is told which one and what it is', async (t) => {
  const file = join(await temporaryFolder(t), 'lock.db')
  const { child, said } = await startHolder(t, file)
  t.is(said, 'held')
  const error = await t.throwsAsync(acquireLock(file, here), { code: 'BTZ_DATA_LOCKED' })
  t.true(error.message.includes(`process ${child.pid} (the other one)`), error.message)
})

test('kill -9 of the holder frees the lock at once', async (t) => {
  const file = join(await temporaryFolder(t), 'lock.db')
  const { child } = await startHolder(t, file)
  await kill(child)
  await t.notThrowsAsync(async () => (await acquireLock(file, here)).release())
})

test('a holder file that names a living process is not believed without the lock', async (t) => {
  const file = join(await temporaryFolder(t), 'lock.db')
  await writeFile(`${file}.holder.json`, JSON.stringify({ pid: 1, what: 'whoever got the pid' }))
  await t.notThrowsAsync(async () => (await acquireLock(file, here)).release())
})

test('a holder file that is damaged or missing does not hide that the lock is held', async (t) => {
  const file = join(await temporaryFolder(t), 'lock.db')
  await startHolder(t, file)
  for (const content of ['', '{', '[]', '{"pid":"x"}']) {
    await writeFile(`${file}.holder.json`, content)
    await t.throwsAsync(acquireLock(file, here), { code: 'BTZ_DATA_LOCKED', message: /another process/ })
  }
  await rm(`${file}.holder.json`)
  await t.throwsAsync(acquireLock(file, here), { code: 'BTZ_DATA_LOCKED', message: /another process/ })
})

test('an attempt in the same process is refused, and does not make the holder lose the lock to another', async (t) => {
  const file = join(await temporaryFolder(t), 'lock.db')
  const lock = await acquireLock(file, here)
  await t.throwsAsync(acquireLock(file, here), { code: 'BTZ_DATA_LOCKED' })
  await t.throwsAsync(acquireLock(file, here), { code: 'BTZ_DATA_LOCKED' })
  const { said } = await startHolder(t, file)
  t.true(said.startsWith('BTZ_DATA_LOCKED'), said)
  await lock.release()
  t.is((await startHolder(t, file)).said, 'held')
})

test('release leaves no holder file, can be called twice, and does not free the lock of the next holder', async (t) => {
  const folder = await temporaryFolder(t)
  const file = join(folder, 'lock.db')
  const first = await acquireLock(file, here)
  await first.release()
  t.deepEqual(await readdir(folder), ['lock.db'])
  const second = await acquireLock(file, here)
  await first.release()
  t.true((await stat(`${file}.holder.json`)).isFile())
  await t.throwsAsync(acquireLock(file, here), { code: 'BTZ_DATA_LOCKED' })
  await second.release()
})

test('of two processes that start at once one gets the lock', async (t) => {
  const file = join(await temporaryFolder(t), 'sub', 'lock.db')
  const said = (await Promise.all([startHolder(t, file), startHolder(t, file)])).map(
    (holder) => holder.said.split(':')[0],
  )
  t.deepEqual(said.sort(), ['BTZ_DATA_LOCKED', 'held'])
})

test('the lock file can be opened by its owner alone', async (t) => {
  const file = join(await temporaryFolder(t), 'lock.db')
  const lock = await acquireLock(file, here)
  t.is((await stat(file)).mode & 0o777, 0o600)
  await lock.release()
})

test('a path that cannot be a lock file is an error with a code', async (t) => {
  const folder = await temporaryFolder(t)
  await mkdir(join(folder, 'folder.db'))
  await t.throwsAsync(acquireLock(join(folder, 'folder.db'), here), { code: 'BTZ_DATA_UNWRITABLE' })
  await writeFile(join(folder, 'text.db'), 'not a database, but long enough to have a header of its own\n'.repeat(20))
  await t.throwsAsync(acquireLock(join(folder, 'text.db'), here), { code: 'BTZ_DATA_UNWRITABLE' })
})

const testWithMount = canMount ? test : test.skip

testWithMount(
  'a folder on a read-only file system is unwritable, with and without a lock file (needs mount)',
  async (t) => {
    const folder = await smallDisk(t, 2 * 1024 * 1024)
    const lock = await acquireLock(join(folder, 'present.db'), here)
    await lock.release()
    remountReadOnly(folder)
    for (const name of ['present.db', 'absent.db']) {
      await t.throwsAsync(acquireLock(join(folder, name), here), { code: 'BTZ_DATA_UNWRITABLE' }, name)
    }
  },
)
