import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { pino } from 'pino'
import { Config } from '#services/config.ts'
import { decodeBatchHeader, decodeFrames, type Frame, Stream } from '#services/recordings/format/frame-batch.ts'
import { recordsOf } from '#test/helpers/frame-worker.ts'
import { closeSharedCatalog } from '#test/helpers/ingest-backends.ts'
import { serveReceiver } from '#test/helpers/receiver.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { postTo } from '../../cli/import/post.ts'
import { importRecordings } from '../../cli/import/recording/import-recordings.ts'

test.after.always(closeSharedCatalog)

type Said = { shown: string } | { typed: string }
const secret = 'correct horse'
/** A terminal's life: whoever types `ls` sees it, nobody sees the secret. */
const life: Said[] = [
  { shown: '$ ' },
  ...[...'ls\r'].flatMap((key): Said[] => [{ typed: key }, { shown: key === '\r' ? '\r\n' : key }]),
  { shown: 'Password: ' },
  ...[...`${secret}\r`].map((key): Said => ({ typed: key })),
  { shown: '\r\nwelcome\r\n$ ' },
]

/** As sudo writes it: every step 200 ms after the one before. */
const writeIolog = async (folder: string): Promise<void> => {
  await mkdir(folder, { recursive: true })
  const all = (kind: 'shown' | 'typed') => life.map((said) => (kind in said ? Object.values(said)[0] : '')).join('')
  const timing = life.map((said) => `${'typed' in said ? 3 : 4} 0.200000000 ${Object.values(said)[0]!.length}\n`)
  await writeFile(join(folder, 'log'), '1795216921:alice:root::/dev/pts/0:30:100\n/home/alice\n/bin/bash\n')
  await writeFile(join(folder, 'timing'), timing.join(''))
  await writeFile(join(folder, 'ttyin'), all('typed'))
  await writeFile(join(folder, 'ttyout'), all('shown'))
}

test('a secret typed in an imported recording is masked at its place and with its length, and nothing else is', async (t) => {
  const { url, secrets, bus } = await serveReceiver(t)
  const folder = await temporaryFolder(t)
  const log = join(folder, 'io')
  await writeIolog(log)
  const imported = await importRecordings({
    ...{ paths: [log], format: 'sudo-iolog', given: {}, bastion: 'bastion-1' },
    maxBytes: 2 ** 30,
    who: 'test',
    post: postTo({ url, token: secrets.bastion }),
    config: Config.parse({ data: join(folder, 'data') }),
    log: pino({ level: 'silent' }),
    onProgress: () => undefined,
  })
  t.like(imported, { sessions: 1, rejected: [], incomplete: [] })
  const records = (await recordsOf(bus, 'session-frames')).map(({ value }) => Buffer.from(value))
  t.false(Buffer.concat(records).includes('horse'))
  const frames = records.flatMap((value) => decodeFrames(decodeBatchHeader(value)))
  const text = (some: readonly Frame[], stream: Stream) =>
    Buffer.concat(some.filter((each) => each.stream === stream).map(({ data }) => data)).toString()
  t.is(text(frames, Stream.TTYOUT), '$ ls\r\nPassword: \r\nwelcome\r\n$ ')
  t.is(text(frames, Stream.TTYIN), 'ls\r\r')
  const masked = frames.filter((frame) => frame.masked)
  t.is(
    masked.reduce((sum, frame) => sum + frame.masked!.length, 0),
    secret.length,
  )
  t.true(masked.every(({ stream, data }) => stream === Stream.TTYIN && data.byteLength === 0))
  const shownAt = (what: string) => frames.findIndex(({ data }) => Buffer.from(data).includes(what))
  t.true(
    masked.every(
      (frame) => frames.indexOf(frame) > shownAt('Password: ') && frames.indexOf(frame) < shownAt('welcome'),
    ),
  )
})
