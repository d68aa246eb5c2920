import { randomBytes } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import test, { type ExecutionContext } from 'ava'
import { Stream } from '#services/recordings/format/frame-batch.ts'
import { bytesIn, readOf } from '#test/helpers/file-steps.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { recordingFormats } from '../../cli/import/recording/formats.ts'
import { createSource } from '../../cli/import/recording/source.ts'

const format = recordingFormats['sudo-iolog']
const log = '1795216921:alice:root::/dev/pts/0:30:100\n/home/alice\n/bin/sh\n'

const logOf = async (t: ExecutionContext, name: string, files: Record<string, Buffer | string>) => {
  const folder = join(await temporaryFolder(t), name)
  await mkdir(folder)
  for (const [file, content] of Object.entries({ log, ...files })) await writeFile(join(folder, file), content)
  return createSource(folder, format, 2 ** 30)
}
const read = async ({ opener }: ReturnType<typeof createSource>) => {
  const steps = []
  for await (const some of format.read(opener(() => undefined))) steps.push(...some)
  return readOf(steps)
}

test('of a packed log whose sudo was killed all that is there is kept, and the session is truncated', async (t) => {
  const shown = randomBytes(400_000)
  const timing = gzipSync('4 0.001 1000\n'.repeat(400))
  const cut = gzipSync(shown).subarray(0, 150_000)
  const { frames, ending } = await read(await logOf(t, 'cut', { timing, ttyout: cut }))
  const kept = bytesIn(frames, Stream.TTYOUT)
  t.true(kept.length > 100_000)
  t.deepEqual(kept, shown.subarray(0, kept.length))
  t.is(ending.reason, 'truncated')
  t.regex(ending.detail, /^ttyout ends \d+ bytes before timing says/)
})

test('output that looks like a packed file is not unpacked where the log is not packed', async (t) => {
  const stdout = gzipSync('what a command printed')
  const source = await logOf(t, 'plain', { timing: `1 0.001 ${stdout.length}\n`, stdout })
  t.deepEqual(bytesIn((await read(source)).frames, Stream.STDOUT), stdout)
})

test('the same log has the same digest, packed or not; any other byte, or the same in another file, another one', async (t) => {
  const files = { timing: '4 0.001 2\n', ttyout: 'ok' }
  const packed = { timing: gzipSync(files.timing), ttyout: gzipSync(files.ttyout) }
  const others = [packed, { ...files, ttyout: 'oK' }, { timing: files.timing, ttyin: 'ok' }]
  const digests: string[] = []
  for (const [n, each] of [files, ...others].entries()) digests.push(await (await logOf(t, `${n}`, each)).digest())
  t.is(digests[1], digests[0])
  t.is(new Set(digests).size, 3)
})
