import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { appendFile, chmod, link, mkdir, readdir, rename, rm, stat, symlink, unlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import test, { type ExecutionContext } from 'ava'
import { pino } from 'pino'
import { createLogger } from '#services/log.ts'
import { createFileRecordingStore } from '#services/recordings/file-recording-store.ts'
import { recordingStoreContract } from '#test/contract/recording-store.ts'
import { canMount, remountReadOnly, smallDisk } from '#test/helpers/mounted-folder.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'

const log = createLogger('test', 'silent')
const year = { retainUntil: new Date('2031-01-01T00:00:00Z') }
const key = 'evidence/v1/2026-01-02/s1/000000000000'
const open = (folder: string, immutable = false) => createFileRecordingStore({ folder, immutable, log })
const testWithMount = canMount ? test : test.skip

recordingStoreContract(test, async (t) => {
  const folder = await temporaryFolder(t)
  return { open: () => open(folder) }
})

/** Names of a process that is gone: this pid, another start time. */
const deadName = (n: number) => `${process.pid}-1-00000000-0000-0000-0000-${String(n).padStart(12, '0')}`

const childFile = fileURLToPath(new URL('./put-child.ts', import.meta.url))

/** Runs the child until it has had `count` puts acknowledged, kills it, and returns all that it acknowledged. */
const killedAfter = async (t: ExecutionContext, folder: string, count: number, immutable = ''): Promise<number[]> => {
  const child = spawn(process.execPath, [childFile, folder, immutable], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.teardown(() => child.kill('SIGKILL'))
  const exited = once(child, 'exit')
  const acknowledged: number[] = []
  for await (const line of createInterface({ input: child.stdout })) {
    acknowledged.push(Number(line))
    if (acknowledged.length === count) child.kill('SIGKILL')
  }
  await exited
  return acknowledged
}

const workFolders = ['.partial', '.intents']

test('kill -9 loses no acknowledged put, leaves no half file, and its leftovers go at the next open', async (t) => {
  const folder = await temporaryFolder(t)
  const acknowledged = await killedAfter(t, folder, 60)
  const store = await open(folder)
  for (const work of workFolders) t.deepEqual(await readdir(join(folder, 'evidence', work)), [], work)
  const listed = await store.list('', { limit: 10_000 })
  const keys = new Set(listed.map((object) => object.key))
  for (const n of acknowledged) t.true(keys.has(`evidence/v1/2026-01-02/s${n % 7}/${n}`), `${n}`)
  for (const object of listed) {
    t.is(object.sizeBytes, 50_000, object.key)
    t.deepEqual(object.retainUntil, year.retainUntil, object.key)
    t.true((await store.get(object.key)).every((byte) => byte === Number(object.key.split('/').at(-1)) % 251))
  }
})

test('leftovers of living processes and files that are not ours are left alone', async (t) => {
  const folder = await temporaryFolder(t)
  await open(folder)
  const start = execFileSync('cut', ['-d', ' ', '-f', '22', '/proc/1/stat']).toString().trim()
  const ofLiving = `1-${start}-00000000-0000-0000-0000-000000000001`
  for (const work of workFolders) {
    for (const name of [ofLiving, 'readme.txt']) await writeFile(join(folder, 'evidence', work, name), 'x')
  }
  await writeFile(join(folder, 'evidence/.partial', deadName(1)), 'half an object')
  await open(folder)
  for (const work of workFolders) {
    t.deepEqual((await readdir(join(folder, 'evidence', work))).sort(), [ofLiving, 'readme.txt'].sort(), work)
  }
})

test('a file is read-only, and its bytes are whole under one name only', async (t) => {
  const folder = await temporaryFolder(t)
  const store = await open(folder)
  await store.put(key, Buffer.from('x'), year)
  const { mode, nlink } = await stat(join(folder, key))
  t.is(mode & 0o777, 0o444)
  t.is(nlink, 1)
  for (const work of workFolders) t.deepEqual(await readdir(join(folder, 'evidence', work)), [])
})

test('a key above or below another is refused, and says so', async (t) => {
  const store = await open(await temporaryFolder(t))
  await store.put('evidence/v1/a/b', Buffer.from('x'), year)
  for (const clash of ['evidence/v1/a', 'evidence/v1/a/b/c', 'evidence/v1/a/b/c/d']) {
    await t.throwsAsync(store.put(clash, Buffer.from('x'), year), { code: 'BTZ_RECORDING_KEY_INVALID' }, clash)
    t.is(await store.head(clash), null)
  }
  t.is((await store.list('', { limit: 10 })).length, 1)
})

test('a symbolic link in the place of evidence is not followed', async (t) => {
  const folder = await temporaryFolder(t)
  const store = await open(folder)
  await writeFile(join(folder, 'secret'), 'not evidence')
  await mkdir(dirname(join(folder, key)), { recursive: true })
  await symlink(join(folder, 'secret'), join(folder, key))
  await t.throwsAsync(store.get(key), { code: 'BTZ_RECORDING_NOT_FOUND' })
  t.is(await store.head(key), null)
  t.deepEqual(await store.list('', { limit: 10 }), [])
  await t.throwsAsync(store.put(key, Buffer.from('x'), year), { code: 'BTZ_RECORDING_EXISTS' })
})

test('paging through a large folder sees what is put meanwhile', async (t) => {
  const folder = await temporaryFolder(t)
  const store = await open(folder)
  const path = 'evidence/v1/events/bus/session-events/0'
  await store.put(`${path}/5000`, Buffer.from('last'), year)
  for (let n = 1000; n < 3100; n++) await link(join(folder, path, '5000'), join(folder, path, String(n)))
  const old = new Date(Date.now() - 60_000)
  execFileSync('touch', ['-d', old.toISOString(), join(folder, path)])
  t.is((await store.list(`${path}/`, { limit: 3 }))[2]?.key, `${path}/1002`)
  await store.put(`${path}/1001-more`, Buffer.from('new'), year)
  const page = await store.list(`${path}/`, { limit: 3, after: `${path}/1000` })
  t.deepEqual(
    page.map((object) => object.key),
    ['1001', '1001-more', '1002'].map((name) => `${path}/${name}`),
  )
})

test('the promise names what files cannot do, and is logged when the store opens', async (t) => {
  const lines: string[] = []
  const logging = pino({}, { write: (line) => lines.push(JSON.parse(line).msg) })
  const store = await createFileRecordingStore({ folder: await temporaryFolder(t), immutable: false, log: logging })
  t.deepEqual(lines, [store.promise()])
  t.regex(store.promise(), /not WORM storage/)
  t.regex(store.promise(), /tamper-evident \(digest chain\) against root/)
})

testWithMount(
  'a full disk refuses the put, leaves no half file, and takes the key once there is room (needs mount)',
  async (t) => {
    const folder = await smallDisk(t, 4 * 1024 * 1024)
    const store = await open(folder)
    await store.put(key, Buffer.alloc(100_000, 1), year)
    await appendFile(join(folder, 'ballast'), Buffer.alloc(2_500_000))
    const next = 'evidence/v1/2026-01-02/s1/000000000007'
    await t.throwsAsync(store.put(next, Buffer.alloc(1_500_000, 2), year), { code: 'BTZ_DISK_FULL' })
    t.is(await store.head(next), null)
    t.deepEqual(
      (await store.list('', { limit: 10 })).map((object) => object.key),
      [key],
    )
    for (const work of workFolders) t.deepEqual(await readdir(join(folder, 'evidence', work)), [])
    t.is((await store.get(key)).length, 100_000)
    await rm(join(folder, 'ballast'))
    await store.put(next, Buffer.alloc(1_500_000, 2), year)
    t.is((await store.get(next)).length, 1_500_000)
  },
)

testWithMount('a read-only disk is refused at the open, with its path (needs mount)', async (t) => {
  const folder = await smallDisk(t, 2 * 1024 * 1024)
  remountReadOnly(folder)
  const error = await t.throwsAsync(open(folder), { code: 'BTZ_DATA_UNWRITABLE' })
  t.true(error.message.includes(folder))
})

/** On a disk of its own: an immutable file outlives the removal of a test's folder. */
const immutableDisk = (t: ExecutionContext) => smallDisk(t, 16 * 1024 * 1024)

testWithMount(
  'immutable files withstand root until the flag is cleared, and so do their retention dates (needs mount)',
  async (t) => {
    const folder = await immutableDisk(t)
    const store = await open(folder, true)
    await store.put(key, Buffer.from('evidence'), year)
    await store.extendRetention(key, new Date('2035-01-01T00:00:00Z'))
    const names = await readdir(dirname(join(folder, key)))
    t.is(names.length, 3)
    for (const name of names) {
      const file = join(dirname(join(folder, key)), name)
      await t.throwsAsync(appendFile(file, 'x'), { code: 'EPERM' }, name)
      await t.throwsAsync(unlink(file), { code: 'EPERM' }, name)
      await t.throwsAsync(rename(file, `${file}2`), { code: 'EPERM' }, name)
      await t.throwsAsync(chmod(file, 0o600), { code: 'EPERM' }, name)
    }
    t.deepEqual((await store.head(key))?.retainUntil, new Date('2035-01-01T00:00:00Z'))
    await t.throwsAsync(store.put(key, Buffer.from('other'), year), { code: 'BTZ_RECORDING_EXISTS' })
  },
)

testWithMount(
  'of 24 racers one wins also where files are made immutable, and no second name is left (needs mount)',
  async (t) => {
    const folder = await immutableDisk(t)
    const stores = [await open(folder, true), await open(folder, true)]
    const results = await Promise.allSettled(
      Array.from({ length: 24 }, (_, n) => stores[n % 2]!.put(key, Buffer.from(`racer ${n}`), year)),
    )
    t.is(results.filter((result) => result.status === 'fulfilled').length, 1)
    for (const result of results) if (result.status === 'rejected') t.is(result.reason.code, 'BTZ_RECORDING_EXISTS')
    t.is((await stat(join(folder, key))).nlink, 1)
    await t.throwsAsync(unlink(join(folder, key)), { code: 'EPERM' })
    for (const work of workFolders) t.deepEqual(await readdir(join(folder, 'evidence', work)), [])
  },
)

testWithMount('a put killed before its file was immutable is finished by the next open (needs mount)', async (t) => {
  const folder = await immutableDisk(t)
  const mutable = await open(folder)
  await mutable.put(key, Buffer.from('evidence'), year)
  // What the disk holds after a kill between link(2) and unlink(2): two names and the intent.
  await link(join(folder, key), join(folder, 'evidence/.partial', deadName(1)))
  await symlink(key, join(folder, 'evidence/.intents', deadName(2)))
  await symlink('evidence/v1/never-linked', join(folder, 'evidence/.intents', deadName(3)))
  await open(folder, true)
  t.is((await stat(join(folder, key))).nlink, 1)
  await t.throwsAsync(unlink(join(folder, key)), { code: 'EPERM' })
  for (const work of workFolders) t.deepEqual(await readdir(join(folder, 'evidence', work)), [])
})

testWithMount('kill -9 leaves every acknowledged file immutable (needs mount)', async (t) => {
  const folder = await immutableDisk(t)
  const acknowledged = await killedAfter(t, folder, 20, 'immutable')
  await open(folder, true)
  for (const n of acknowledged) {
    await t.throwsAsync(unlink(join(folder, `evidence/v1/2026-01-02/s${n % 7}/${n}`)), { code: 'EPERM' }, `${n}`)
  }
  for (const work of workFolders) t.deepEqual(await readdir(join(folder, 'evidence', work)), [])
})

test('where files cannot be made immutable the store refuses to open and says what is needed', async (t) => {
  const folder = await temporaryFolder(t)
  const asUnable = process.getuid?.() === 0 ? ['setpriv', '--bounding-set=-linux_immutable'] : ['env']
  const [program, ...args] = [...asUnable, process.execPath, childFile, folder, 'immutable']
  const { status, stderr } = spawnSync(program!, args, { encoding: 'utf8', timeout: 20_000 })
  t.is(status, 1, stderr)
  t.regex(stderr, /BTZ_IMMUTABLE_UNAVAILABLE/)
  t.regex(stderr, /needs root, the program chattr and a file system/)
  t.deepEqual(await readdir(join(folder, 'evidence/.partial')), [])
})
