import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import test from 'ava'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'

const script = fileURLToPath(new URL('./import-recordings-peak.ts', import.meta.url))
const MiB = 1024 * 1024

type Result = {
  files: number
  sessions: number
  incomplete: { file: string; reason: string }[]
  rejected: { file: string; reason: string }[]
  payloadBytes: number
  peakBytes: number
  progress: number[]
}
const importing = async (data: string, format: string, ...paths: string[]): Promise<Result> => {
  const child = spawn(process.execPath, ['--max-old-space-size=64', script, data, format, ...paths], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  child.stdout.on('data', (text: Buffer) => {
    output += text
  })
  await new Promise((resolve) => child.once('close', resolve))
  return JSON.parse(output) as Result
}

const head = (seconds: number, length: number): Buffer => {
  const bytes = Buffer.alloc(12)
  bytes.writeUInt32LE(seconds, 0)
  bytes.writeUInt32LE(length, 8)
  return bytes
}

test('memory does not grow with a recording: 128 MiB of output, and its progress is told', async (t) => {
  const folder = await temporaryFolder(t)
  const file = join(folder, 'long.ttyrec')
  const noise = randomBytes(MiB)
  await writeFile(
    file,
    Buffer.concat(Array.from({ length: 128 }, (_, n) => [head(1_795_000_000 + n, MiB), noise]).flat()),
  )
  const result = await importing(join(folder, 'data'), 'ttyrec', file)
  t.like(result, { files: 1, sessions: 1, rejected: [], incomplete: [], payloadBytes: 128 * MiB })
  t.true(result.peakBytes < 320 * MiB, `${Math.round(result.peakBytes / MiB)} MiB`)
  t.log(`${Math.round(result.peakBytes / MiB)} MiB`)
  t.true(result.progress.length > 50)
  t.is(result.progress.at(-1), 1)
})

test('a few packed bytes that unpack to 192 MiB of one line take no memory and are a gap', async (t) => {
  const folder = await temporaryFolder(t)
  const line = Buffer.concat([Buffer.from('{"version":2,"width":80,"height":24}\n'), Buffer.alloc(192 * MiB, 'x')])
  const [gzip, zstd] = [join(folder, 'bomb.cast.gz'), join(folder, 'bomb.cast.zst')]
  await writeFile(gzip, gzipSync(line, { level: 1 }))
  await writeFile(zstd, zstdCompressSync(line))
  const result = await importing(join(folder, 'data'), 'asciicast', gzip, zstd)
  t.like(result, { files: 2, sessions: 2, rejected: [] })
  t.is(result.incomplete.length, 1) // the second is the same recording
  t.true(result.payloadBytes < 1_000)
  t.log(`${Math.round(result.peakBytes / MiB)} MiB`)
  t.true(result.peakBytes < 280 * MiB, `${Math.round(result.peakBytes / MiB)} MiB`)
})

test('what is no recording is refused with its reason, and the others are imported; links are not followed', async (t) => {
  const folder = await temporaryFolder(t)
  const inside = join(folder, 'in')
  await mkdir(join(inside, 'below'), { recursive: true })
  const good = Buffer.concat([head(1_795_000_000, 2), Buffer.from('ok')])
  await writeFile(join(folder, 'outside.ttyrec'), Buffer.concat([good, good]))
  await symlink(join(folder, 'outside.ttyrec'), join(inside, 'link.ttyrec'))
  await writeFile(join(inside, 'below', 'good.ttyrec'), good)
  await writeFile(join(inside, 'empty.ttyrec'), '')
  await writeFile(join(inside, 'cut.ttyrec.gz'), gzipSync(good).subarray(0, -6))
  await writeFile(join(inside, 'text.ttyrec'), 'this is no ttyrec at all, it is a text')
  await writeFile(join(inside, 'other.txt'), 'not looked at')
  // A link that is named is meant.
  const result = await importing(join(folder, 'data'), 'ttyrec', inside, join(inside, 'link.ttyrec'))
  t.like(result, { files: 5, sessions: 2, payloadBytes: 6 })
  const reasons = new Map(result.rejected.map(({ file, reason }) => [file.slice(inside.length + 1), reason]))
  t.regex(reasons.get('empty.ttyrec') ?? '', /no whole frame/)
  t.regex(reasons.get('cut.ttyrec.gz') ?? '', /unexpected end of file/)
  t.regex(reasons.get('text.ttyrec') ?? '', /a time of \d+ microseconds/)
  t.is(reasons.size, 3)
})
