import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { readChunk } from '#hooks/agent/spool/reading.ts'
import { encodeHead } from '#hooks/agent/spool/record.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { entry } from './open.ts'

test('what is appended to a segment while it is read is left for the next read, not passed over', async (t) => {
  const file = join(await temporaryFolder(t), 'segment')
  const record = (seq: number, position: number): Buffer => {
    const written = entry(seq, `record ${seq}`)
    return Buffer.concat([encodeHead(written, position, position), written.body])
  }
  const first = record(0, 0)
  const second = record(1, first.length)
  await writeFile(file, Buffer.concat([first, second]))
  const segment = { file, base: 0, bytes: first.length }

  const reading = readChunk([segment], 0, 1024)
  segment.bytes += second.length
  const { records, nextPosition } = await reading
  t.deepEqual([records.map(({ seq }) => seq), nextPosition], [[0], first.length])
  const next = await readChunk([segment], nextPosition, 1024)
  t.deepEqual([next.records.map(({ seq }) => seq), next.nextPosition], [[1], first.length + second.length])
})
