import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import test from 'ava'
import { createLogger } from '#services/log.ts'
import { createFileHoldStore } from '#services/recordings/file-hold-store.ts'
import { createFileRecordingStore } from '#services/recordings/file-recording-store.ts'
import { holdStoreContract } from '#test/contract/hold-store.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'

const log = createLogger('test', 'silent')
const key = 'evidence/v1/2026-01-02/s1/000000000000'

const open = async (folder: string) => {
  const recordings = await createFileRecordingStore({ folder, immutable: false, log })
  return { recordings, holds: createFileHoldStore({ folder, immutable: false, recordings }) }
}

holdStoreContract(test, async (t) => {
  const folder = await temporaryFolder(t)
  return { open: () => open(folder) }
})

test('letting go is a mark too: how often a file was held stays to be seen', async (t) => {
  const folder = await temporaryFolder(t)
  const { recordings, holds } = await open(folder)
  await recordings.put(key, Buffer.from('x'), { retainUntil: new Date('2031-01-01T00:00:00Z') })
  for (const on of [true, false, true]) await holds.setHold(key, on)
  const marks = (await readdir(dirname(join(folder, key)))).filter((name) => name.includes('@hold-'))
  t.deepEqual(
    marks.sort(),
    ['00000001-on', '00000002-off', '00000003-on'].map((end) => `000000000000@hold-${end}`),
  )
})

test('of a hold and a release with the same number the hold counts', async (t) => {
  const folder = await temporaryFolder(t)
  const { holds } = await open(folder)
  await mkdir(dirname(join(folder, key)), { recursive: true })
  for (const name of ['', '@hold-00000001-off', '@hold-00000001-on']) await writeFile(join(folder, `${key}${name}`), '')
  t.true(await holds.isHeld(key))
})
