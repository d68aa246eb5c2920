import { readdir, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import test from 'ava'
import { makeFifos } from '#hooks/script/fifos.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'

const someoneElse = 54_321

test('nobody but us may read a FIFO, its folder cannot be listed, and its name is gone once it is hidden', async (t) => {
  const parent = await temporaryFolder(t)
  const fifos = await makeFifos(someoneElse, parent)
  t.teardown(fifos.close)
  for (const path of [fifos.data, fifos.timing]) {
    const found = await stat(path)
    t.true(found.isFIFO())
    t.is(found.mode & 0o777, 0o622)
    t.is(found.uid, process.geteuid!())
  }
  t.is((await stat(dirname(fifos.data))).mode & 0o777, 0o711)
  t.regex(fifos.data, /\/data-[0-9a-f]{32}$/)
  await fifos.hide()
  t.deepEqual(await readdir(parent), [])
})

test('a FIFO for our own processes is writable by nobody else', async (t) => {
  const fifos = await makeFifos(process.geteuid!(), await temporaryFolder(t))
  t.teardown(fifos.close)
  t.is((await stat(fifos.timing)).mode & 0o777, 0o600)
})
