import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { parseChecksums, verifyFolder } from '../../../scripts/engines/checksums.ts'

// Of the texts "one" and "two", by sha256sum(1).
const sums = parseChecksums(
  `7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed  one-1.0.jar
3fc4ccfe745870e2c0d99f71f30ff0656c8dedd41cc1d7d3d376b0dbe685e2f3 *two-2.13.jar
`,
)

const download = async (t: ExecutionContext): Promise<(name: string) => string> => {
  const folder = await temporaryFolder(t)
  await writeFile(join(folder, 'one-1.0.jar'), 'one')
  await writeFile(join(folder, 'two-2.13.jar'), 'two')
  return (name) => join(folder, name)
}

test('a download that is what was pinned is taken', async (t) => {
  const file = await download(t)
  await t.notThrowsAsync(verifyFolder(file(''), sums))
})

test('one changed byte is refused, with the name of the file', async (t) => {
  const file = await download(t)
  await writeFile(file('two-2.13.jar'), 'twO')
  await t.throwsAsync(verifyFolder(file(''), sums), { message: /not what was pinned \(different: two-2\.13\.jar\)/ })
})

test('a file that is missing is refused', async (t) => {
  const file = await download(t)
  await rm(file('one-1.0.jar'))
  await t.throwsAsync(verifyFolder(file(''), sums), { message: /missing: one-1\.0\.jar/ })
})

test('a file that nobody pinned is refused', async (t) => {
  const file = await download(t)
  await writeFile(file('guest.jar'), '')
  await t.throwsAsync(verifyFolder(file(''), sums), { message: /unknown: guest\.jar/ })
})

test('a list of checksums with a line of anything else is refused', (t) => {
  for (const line of ['', 'abc  one.jar', `${'0'.repeat(64)}  ../one.jar`, `${'0'.repeat(64)}`])
    t.throws(() => parseChecksums(`${'0'.repeat(64)}  good.jar\n${line}x/\n`), { message: /not a line of checksums/ })
})
