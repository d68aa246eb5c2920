import { existsSync } from 'node:fs'
import { readFile, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { readPassphrase } from '#services/backup/header.ts'
import { readBackup } from '#services/backup/sealed-reader.ts'
import { createSealedWriter, newHeader } from '#services/backup/sealed-writer.ts'
import { seededRandom } from '#test/helpers/seeded-random.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { keyPlace, passphrase, restoreInto, session } from './key-place.ts'

const header = () => newHeader({ kind: 'state', createdAt: '2026-03-01T00:00:00.000Z', after: null })

const written = async (file: string, entries: readonly object[]): Promise<void> => {
  const writer = await createSealedWriter(file, header(), passphrase)
  for (const entry of entries) await writer.add(entry)
  await writer.finish()
}
const read = async (file: string, phrase = passphrase): Promise<unknown[]> => Array.fromAsync(readBackup(file, phrase))

test('what was added is read again in order, also over several pieces, and nothing of it stands there in clear', async (t) => {
  const file = join(await temporaryFolder(t), 'a.backup')
  const entries = Array.from({ length: 30 }, (_, n) => ({ n, text: `a secret ${n} `.repeat(10_000) }))
  await written(file, entries)
  t.deepEqual(await read(file), entries)
  t.false((await readFile(file)).includes('a secret'))
  t.false(existsSync(`${file}.partial`))
})

test('a backup that is there is never replaced, and one that was given up leaves nothing', async (t) => {
  const file = join(await temporaryFolder(t), 'a.backup')
  await written(file, [{ n: 1 }])
  await t.throwsAsync(written(file, [{ n: 2 }]), { code: 'BTZ_FILE_EXISTS' })
  t.deepEqual(await read(file), [{ n: 1 }])
  const writer = await createSealedWriter(join(file, '..', 'b.backup'), header(), passphrase)
  await writer.add({ n: 3 })
  await writer.abandon()
  t.false(existsSync(join(file, '..', 'b.backup.partial')))
})

test('every flipped bit, every cut and every addition is found before anything is restored; so is another passphrase', async (t) => {
  const place = await keyPlace(t)
  for (const n of [1, 2, 3]) await place.keys.obtain(session(n))
  const { file } = await place.backup()
  const intact = await readFile(file)
  const seed = Date.now() % 100_000
  const random = seededRandom(seed)
  t.log(`seed ${seed}`)
  const folder = join(await temporaryFolder(t), 'keys')
  const refuses = async (what: string, phrase?: string): Promise<void> => {
    const more = phrase === undefined ? {} : { passphrase: phrase }
    await t.throwsAsync(restoreInto(folder, [file], more), { code: 'BTZ_BACKUP_DAMAGED' }, what)
    t.false(existsSync(folder), what)
  }
  for (let round = 0; round < 12; round++) {
    const [at, bit] = [Math.floor(random() * intact.length), Math.floor(random() * 8)]
    const altered = Buffer.from(intact)
    altered[at]! ^= 1 << bit
    await writeFile(file, altered)
    await refuses(`bit ${bit} of byte ${at}`)
  }
  await writeFile(file, Buffer.concat([intact, Buffer.alloc(4)]))
  await refuses('four bytes more')
  await writeFile(file, intact)
  await refuses('another passphrase', `${passphrase}!`)
  await truncate(file, intact.length - 1)
  await refuses('a byte less')
  await writeFile(file, intact)
  t.like(await restoreInto(folder, [file]), { restored: 3 })
})

test('a backup cut between two pieces is found out', async (t) => {
  const file = join(await temporaryFolder(t), 'a.backup')
  await written(file, [{ text: 'x'.repeat(2 ** 20) }, { n: 2 }])
  const bytes = await readFile(file)
  const first = bytes.indexOf(0x0a) + 1
  await truncate(file, first + 4 + bytes.readUInt32BE(first))
  await t.throwsAsync(read(file), { code: 'BTZ_BACKUP_DAMAGED' })
})

test('a passphrase that others can read, or a short one, is refused', async (t) => {
  const file = join(await temporaryFolder(t), 'pass')
  await writeFile(file, `${passphrase}\n`, { mode: 0o644 })
  await t.throwsAsync(readPassphrase(file), { code: 'BTZ_KEYS_EXPOSED' })
  await writeFile(`${file}2`, 'short\n', { mode: 0o600 })
  await t.throwsAsync(readPassphrase(`${file}2`), { code: 'BTZ_REQUEST_INVALID' })
  await writeFile(`${file}3`, `${passphrase}\n`, { mode: 0o600 })
  t.is(await readPassphrase(`${file}3`), passphrase)
})
