import { spawn } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { readFile, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { finished } from 'node:stream/promises'
import { fileURLToPath } from 'node:url'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import test, { type ExecutionContext } from 'ava'
import type { Session } from '#services/schema/session.ts'
import { bartizan, type Product, startProduct } from '#test/helpers/running.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { until } from '#test/helpers/until.ts'

type Imported = {
  files: number
  sessions: number
  events: Record<string, number>
  rejected: { file: string; line: number; reason: string }[]
}
type Progress = { doneBytes: number; totalBytes: number; events: number }
type Total = { total: { value: number } }

const key = 'ED25519 SHA256:pbrkFfjDTxfK6cbhW1kslFRy9fBnV9NwShMf04nKkb0'
const minute = (n: number): string =>
  `Nov 20 ${String(9 + Math.floor(n / 60)).padStart(2, '0')}:${String(n % 60).padStart(2, '0')}`

/** One visit as sshd writes it at VERBOSE without year and zone; a tunnel has no session. */
const visit = (n: number, tunnel: boolean): string => {
  const [pid, port, time] = [1_000 + 2 * n, 20_000 + n, minute(n)]
  const from = `192.0.2.7 port ${port}`
  const line = (seconds: number, id: number, words: string) =>
    `${time}:${String(seconds).padStart(2, '0')} vm sshd[${id}]: ${words}\n`
  return [
    line(1, pid, `Connection from ${from} on 192.0.2.1 port 22 rdomain ""`),
    line(2, pid, `Failed publickey for alice from ${from} ssh2: ${key}x`),
    line(3, pid, `Accepted publickey for alice from ${from} ssh2: ${key}`),
    line(3, pid, `User child is on pid ${pid + 1}`),
    ...(tunnel ? [] : [line(4, pid + 1, `Starting session: shell on pts/1 for alice from ${from} id 0`)]),
    line(50, pid + 1, `Received disconnect from ${from}:11: disconnected by user`),
    line(51, pid + 1, `Disconnected from user alice ${from}`),
  ].join('')
}

const importFiles = async (product: Product, args: string[]) => {
  const run = bartizan(['import', '--format', 'openssh', '--bastion', 'old-bastion', ...args], {
    BARTIZAN_DATA: product.data,
  })
  return { code: await run.exited, output: run.output() }
}
const importJson = async (t: ExecutionContext, product: Product, args: string[]): Promise<Imported> => {
  const { code, output } = await importFiles(product, ['--timezone', 'UTC', '--year', '2025', '--json', ...args])
  t.is(code, 0, output)
  return JSON.parse(output) as Imported
}
const eventTotal = async (product: Product): Promise<number> =>
  ((await product.api('/api/events?bastion=old-bastion&limit=1')) as Total).total.value

test('rotated logs in any order, packed or not, are imported once: logins, tunnels and sessions that were not recorded', async (t) => {
  const [folder, product] = [await temporaryFolder(t), await startProduct(t)]
  const files = ['auth.log.2.gz', 'auth.log.1.zst', 'auth.log'].map((name) => join(folder, name))
  const rotated = [0, 1, 2].map((file) => [0, 1, 2, 3].map((n) => visit(file * 4 + n, n === 0)).join(''))
  await writeFile(files[0]!, gzipSync(rotated[0]!))
  await writeFile(files[1]!, zstdCompressSync(rotated[1]!))
  await writeFile(
    files[2]!,
    `${rotated[2]}${minute(12)}:01 vm sshd[9]: Connection from 192.0.2.7 port 1${' '.repeat(70_000)}\n`,
  )
  for (const file of files) await utimes(file, new Date('2025-11-21'), new Date('2025-11-21'))

  const first = await importJson(t, product, files.toReversed())
  t.like(first, { files: 3, sessions: 9 })
  t.like(first.events, { login: 12, login_failed: 12, session_started: 9, session_ended: 12 })
  t.deepEqual(
    first.rejected.map(({ file, line, reason }) => [file, line, reason]),
    [[files[2], 28, 'longer than 64 KiB: only its start was read']],
  )
  await until(async () => (await eventTotal(product)) === 45, { limitMs: 30_000, what: 'all events in the catalog' })
  const rows = async () =>
    ((await product.api('/api/sessions?bastion=old-bastion&limit=100')) as { items: Session[] }).items
  await until(async () => (await rows()).length === 12, { limitMs: 30_000, what: 'a row for each visit' })
  const sessions = await rows()
  t.is(sessions.filter(({ state }) => state === 'tunnel_only').length, 3)
  t.is(sessions.filter(({ state }) => state === 'missing').length, 9)
  t.like(sessions.at(-1), {
    state: 'tunnel_only',
    startedAt: '2025-11-20T09:00:03.000Z',
    endedAt: '2025-11-20T09:00:51.000Z',
  })
  t.like(sessions[0]?.login, { method: 'publickey', keyFingerprint: key.split(' ')[1], failuresBefore: 12 })

  t.deepEqual(await importJson(t, product, files), first)
  const marker = await importJson(t, product, [await oneMore(folder)])
  t.is(marker.events.login, 1)
  await until(async () => (await eventTotal(product)) === 49, {
    limitMs: 30_000,
    what: 'what came after the second import',
  })
  t.is((await rows()).length, 13)

  const refusals: [string[], number, RegExp][] = [
    [[join(folder, 'none')], 1, /none cannot be read/],
    [[folder], 1, /is a folder/],
    [['--timezone', 'Europe/Nowhere', files[0]!], 2, /time zone/],
    [['--bastion', '-', files[0]!], 2, /host name/],
    [['--format', 'word', files[0]!], 2, /word/],
  ]
  await Promise.all(
    refusals.map(async ([args, code, words]) => {
      const refused = await importFiles(product, args)
      t.is(refused.code, code, refused.output)
      t.regex(refused.output, words)
    }),
  )
  t.is(await product.stop(), 0)
})

const oneMore = async (folder: string): Promise<string> => {
  const file = join(folder, 'later.log')
  await writeFile(file, visit(100, false))
  return file
}

const peakScript = fileURLToPath(new URL('./import-peak.ts', import.meta.url))

test('memory does not grow with the size of a file, and its progress is told', async (t) => {
  const file = join(await temporaryFolder(t), 'auth.log')
  const stream = createWriteStream(file)
  const noise =
    'Nov 20 09:00:01 vm kernel: [ 1234.567890] something else that has nothing to do with us at all\n'.repeat(500)
  for (let n = 0; n < 300; n++) stream.write(`${noise}${visit(n, false)}`)
  stream.end()
  await finished(stream)
  const child = spawn(process.execPath, ['--max-old-space-size=48', peakScript, file], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  child.stdout.on('data', (data: Buffer) => {
    output += data
  })
  const code = await new Promise((resolve) => child.once('close', resolve))
  t.is(code, 0)
  const { progress, ...imported } = JSON.parse(output) as Imported & { progress: Progress[] }
  t.like(imported, { files: 1, sessions: 300, events: { login: 300 } })
  const { byteLength } = await readFile(file)
  t.true(byteLength > 12 * 1024 * 1024)
  for (const [n, { doneBytes, totalBytes }] of progress.entries()) {
    t.is(totalBytes, byteLength)
    t.true(doneBytes > (progress[n - 1]?.doneBytes ?? 0))
  }
  t.is(progress.at(-1)?.doneBytes, byteLength)
  t.true(progress.length > 50)
})
