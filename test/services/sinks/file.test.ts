import { appendFile, readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { type FileSinkSettings, SinkSettings } from '#services/schema/sink-settings.ts'
import { createFileSink } from '#services/sinks/file-sink.ts'
import { formats } from '#services/sinks/formats/formats.ts'
import { SinkUnavailable } from '#services/sinks/sink.ts'
import { commandEvent } from '#test/delivery/place.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'

const { signal } = new AbortController()
const about = () => ({ host: 'b1', version: '1', consoleUrl: 'https://console.example' })
const open = (path: string, more = {}) => {
  const settings = SinkSettings.parse({ name: 'siem', type: 'file', send: { events: 'all' }, path, ...more })
  return createFileSink(settings as FileSinkSettings, formats.ecs, about)
}
const numbered = (seq: number) => ({ seq, item: { type: 'event', event: commandEvent(seq) } as const })
const seqsIn = async (path: string) =>
  (await readFile(path, 'utf8'))
    .trimEnd()
    .split('\n')
    .map((line) => (JSON.parse(line) as { event: { sequence: number } }).event.sequence)

test('a file is turned over at its size, and only so many are kept', async (t) => {
  const path = join(await temporaryFolder(t), 'siem.ndjson')
  const sink = open(path, { maxBytes: 4_096, files: 2 })
  for (let seq = 1; seq <= 40; seq++) await sink.send([numbered(seq)], signal)
  await sink.close()
  const names = (await readdir(join(path, '..'))).sort()
  t.deepEqual(names, ['siem.ndjson', 'siem.ndjson.1', 'siem.ndjson.2'])
  const kept = (await Promise.all(['.2', '.1', ''].map((end) => seqsIn(path + end)))).flat()
  t.is(kept.at(-1), 40)
  t.deepEqual(
    kept,
    Array.from({ length: kept.length }, (_, n) => 41 - kept.length + n),
  )
  for (const name of names) t.true((await stat(join(path, '..', name))).size <= 4_096)
})

test('a line that a crash tore is taken off before the next one', async (t) => {
  const path = join(await temporaryFolder(t), 'deep', 'er', 'siem.ndjson')
  const first = open(path)
  await first.send([numbered(1)], signal)
  await first.close()
  await appendFile(path, `{"event":{"sequence":2,"text":"${'x'.repeat(200_000)}`)
  const second = open(path)
  await second.send([numbered(2)], signal)
  await second.close()
  t.deepEqual(await seqsIn(path), [1, 2])
})

test('a place that cannot be written is tried again later', async (t) => {
  const folder = await temporaryFolder(t)
  const sink = open(folder)
  await t.throwsAsync(sink.send([numbered(1)], signal), { instanceOf: SinkUnavailable })
  await sink.close()
})
