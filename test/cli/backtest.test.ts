import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import test, { type ExecutionContext } from 'ava'
import type { Alert } from '#services/schema/alert.ts'
import { bartizan } from '#test/helpers/running.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'

const minute = 60_000
const at = Date.UTC(2026, 2, 2, 9)

let made = 0
const event = (timeMs: number, kind: string, fields: object): string =>
  `${JSON.stringify({ id: `e${made++}`, at: new Date(timeMs).toISOString(), kind, source: 'openssh', bastion: 'b1', ...fields })}\n`
const failed = (timeMs: number): string =>
  event(timeMs, 'login_failed', { user: 'alice', sourceIp: '203.0.113.9', method: 'password', reason: 'bad_password' })
const beats = (bastion: string, count: number): string[] =>
  Array.from({ length: count }, (_, n) =>
    event(at + n * 5 * minute, 'recorder_health', { source: 'agent', bastion, status: 'ok', detail: null }),
  )
const guesses = Array.from({ length: 30 }, (_, n) => failed(at + n * 2_000))

const backtest = async (t: ExecutionContext, events: string | Buffer, name = 'events.ndjson') => {
  const folder = await temporaryFolder(t)
  await writeFile(join(folder, name), events)
  const out = join(folder, 'alerts.ndjson')
  const run = bartizan(['backtest', '--events', join(folder, name), '--alerts', out, '--json'], {
    BARTIZAN_DATA: join(folder, 'data'),
  })
  t.is(await run.exited, 0, run.output())
  const text = await readFile(out, 'utf8')
  const alerts = text
    .split('\n')
    .filter(Boolean)
    .map((line): Alert => JSON.parse(line))
  const result = run
    .output()
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line))
    .find((line) => 'rejectedCount' in line)
  return { alerts, text, result, files: await readdir(folder) }
}

test('writes the last revision of each alert, says which lines are no events, and leaves nothing else', async (t) => {
  const lines = [...guesses, 'no JSON\n', '\n', '{"kind":"login"}\n', `${'x'.repeat(1024 * 1024 + 1)}\n`]
  const { alerts, result, files } = await backtest(t, lines.join(''))
  t.deepEqual(
    alerts.map(({ rule, count, sourceIp }) => ({ rule, count, sourceIp })),
    [{ rule: 'auth-failures', count: 30, sourceIp: '203.0.113.9' }],
  )
  t.like(result, { events: 30, rejectedCount: 3 })
  t.deepEqual(
    result.rejected.map(({ line, reason }: { line: number; reason: string }) => [line, reason.slice(0, 18)]),
    [
      [31, 'not JSON'],
      [33, result.rejected[1].reason.slice(0, 18)],
      [34, 'longer than 1 MiB'],
    ],
  )
  t.deepEqual(files.sort(), ['alerts.ndjson', 'events.ndjson'])
})

test('the same events give the same file, packed or not', async (t) => {
  const lines = guesses.join('')
  const plain = await backtest(t, lines)
  t.is((await backtest(t, gzipSync(lines), 'events.ndjson.gz')).text, plain.text)
  t.is((await backtest(t, zstdCompressSync(lines), 'events.ndjson.zst')).text, plain.text)
})

test('fields that do not apply may be null or missing', async (t) => {
  const about = { user: 'alice', sourceIp: null, sourcePort: null, sessionId: 's1', outcome: null }
  const lines = [
    event(at, 'login', { ...about, certSerial: 7, mfa: null }),
    event(at + 1_000, 'session_started', about),
    event(at + 2_000, 'command', { ...about, argv: ['ls'], runAs: null, exitCode: null }),
    event(at + 3_000, 'file_transfer', { ...about, direction: 'download', sizeBytes: 10, fileCount: null, path: null }),
    event(at + 4_000, 'session_ended', { ...about, durationMs: null, outBytes: null, exitSignal: null }),
    event(at + 5_000, 'recorder_health', { status: 'ok', detail: { restarts: 0 } }),
  ]
  t.like((await backtest(t, lines.join(''))).result, { events: 6, rejectedCount: 0 })
})

test('where a file stops to tell of agents nobody is silent; an agent that stops before the others is', async (t) => {
  const late = event(at + 9 * 60 * minute, 'session_ended', { user: 'alice', sessionId: 's1', recorded: true })
  t.deepEqual((await backtest(t, [...beats('b1', 20), ...beats('b2', 20), late].join(''))).alerts, [])
  const { alerts } = await backtest(t, [...beats('b1', 20), ...beats('b2', 40), late].join(''))
  t.deepEqual(
    alerts.map(({ bastion, gap }) => ({ bastion, gap })),
    [{ bastion: 'b1', gap: 'agent_silent' }],
  )
})
