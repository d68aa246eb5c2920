import { readdir, readFile, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { v7 } from 'uuid'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { postTo } from '../../cli/import/post.ts'
import { createOutbox } from '../../cli/import/recording/outbox.ts'
import { createStagedFile, readStagedFile } from '../../cli/import/recording/staged-file.ts'

const sessionId = v7()
const event = (id: string) => ({ type: 'event' as const, sessionId, seq: 0, body: Buffer.from(JSON.stringify({ id })) })

/** Takes events but for those that are called bad. */
const startReceiver = async (t: ExecutionContext): Promise<{ url: string; token: string }> => {
  const server: Server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    const lines = body.split('\n')
    const rejected = lines.flatMap((line, n) => (line.includes('bad') ? [{ line: n + 1, reason: 'no event' }] : []))
    response.end(JSON.stringify({ accepted: lines.length - rejected.length, duplicates: 0, rejected }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, token: 't' }
}
const stage = async (file: string, ids: string[]): Promise<void> => {
  const staged = await createStagedFile(file)
  for (const id of ids) await staged.write(event(id))
  await staged.finish()
}

test('what an import left behind is sent by the next; what is refused for good holds up nothing, and is kept', async (t) => {
  const [folder, instance] = [await temporaryFolder(t), await startReceiver(t)]
  const [bad, good] = ['01900000-0000-7000-8000-000000000001', '01900000-0000-7000-8000-000000000002']
  const before = await createOutbox(folder, postTo(instance))
  await stage(before.fileOf(bad), ['bad'])
  await stage(before.fileOf(good), ['fine', 'too'])
  await writeFile(join(folder, 'x.staged.part'), 'half')

  const outbox = await createOutbox(folder, postTo(instance))
  const refused: string[] = []
  await outbox.sendLeftOver((id, reason) => refused.push(`${id}: ${reason}`))
  t.is(refused.length, 1)
  t.regex(refused[0]!, new RegExp(`^${bad}: refused: no event; what was made of it is in .*${bad}\\.refused$`))
  t.deepEqual((await readdir(folder)).sort(), [`${bad}.refused`, 'done'])
  t.deepEqual([await outbox.isSent(bad), await outbox.isSent(good)], [false, true])
})

test('a staged file gives back what was written, and tells where it is damaged', async (t) => {
  const file = join(await temporaryFolder(t), 'a.staged')
  const written = await createStagedFile(file)
  const long = Buffer.alloc(3 * 1024 * 1024, 'l')
  for (const body of [Buffer.from('one'), long, Buffer.from('three')]) await written.write({ ...event(''), body })
  await written.finish()
  const bodies: Buffer[] = []
  for await (const { body } of readStagedFile(file)) bodies.push(Buffer.from(body))
  t.deepEqual(bodies, [Buffer.from('one'), long, Buffer.from('three')])

  const bytes = await readFile(file)
  const readAll = async () => {
    for await (const _ of readStagedFile(file));
  }
  for (const damaged of [bytes.subarray(0, -1), bytes.map((byte, at) => (at === 2_000_000 ? byte ^ 1 : byte))]) {
    await writeFile(file, damaged)
    await t.throwsAsync(readAll, { code: 'BTZ_IMPORT_FAILED', message: /damaged at byte \d+/ })
  }
})
