import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { v7 } from 'uuid'
import { createErased } from '#hooks/agent/erased.ts'
import { SessionId } from '#services/schema/ids.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { silent } from '../core.ts'
import { entry, openTestSpool, readAll } from './open.ts'

const newId = () => SessionId.parse(v7())

const open = async (t: Parameters<typeof openTestSpool>[0]) => {
  const folder = await temporaryFolder(t)
  const spool = await openTestSpool(t, folder)
  const write = (seq: number, text: string, id: string) =>
    spool.append({ hintBytes: 100, encode: () => entry(seq, text, id) })
  const bytes = async () => {
    const names = await readdir(join(folder, 'spool'))
    return Buffer.concat(await Promise.all(names.map((name) => readFile(join(folder, 'spool', name)))))
  }
  return { spool, write, bytes }
}

test('what was erased leaves the spool when the receiver has it, and not before', async (t) => {
  const { spool, write, bytes } = await open(t)
  const [gone, stays] = [newId(), newId()]
  await write(0, 'zq erased', gone)
  await write(1, 'zq other', stays)
  const erased = createErased(spool, silent, () => 0)
  await erased.learn({ erased: [gone] })
  t.true((await bytes()).includes('zq erased'), 'the receiver does not have it yet')
  t.is((await readAll(spool)).length, 2)
  spool.acknowledge(spool.durablePosition)
  await spool.release()
  t.false((await bytes()).includes('zq erased'))
  await write(2, 'zq later', stays)
  t.true((await bytes()).includes('zq later'))
})

test('the newest file goes as well, and nothing happens for a session that is not here', async (t) => {
  const { spool, write, bytes } = await open(t)
  const gone = newId()
  await write(0, 'zq erased', gone)
  spool.acknowledge(spool.durablePosition)
  const before = spool.durablePosition
  t.deepEqual(await spool.forget(new Set([newId()])), new Set())
  t.is(spool.durablePosition, before)
  t.deepEqual(await spool.forget(new Set([gone])), new Set())
  t.false((await bytes()).includes('zq erased'))
  t.deepEqual(await spool.forget(new Set([gone])), new Set())
})
