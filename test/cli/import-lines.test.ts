import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import test from 'ava'
import { bartizan, startProduct } from '#test/helpers/running.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { until } from '#test/helpers/until.ts'

type Items = { items: { id: string; kind: string; user: string | null; argv?: string[] }[]; total: { value: number } }
const limitMs = 60_000

test('events of any program and a log of auditd are imported once, with what was refused and why', async (t) => {
  t.timeout(3 * 60_000)
  const folder = await temporaryFolder(t)
  const product = await startProduct(t)
  const imported = async (format: string, file: string) => {
    const args = ['import', '--format', format, '--bastion', 'jump1', '--json', file]
    const run = bartizan(args, { BARTIZAN_DATA: product.data })
    t.is(await run.exited, 0, run.output())
    return JSON.parse(run.output()) as Record<string, unknown>
  }
  const found = async () => (await product.api('/api/events?bastion=jump1&limit=50')) as Items

  const events = join(folder, 'events.ndjson.gz')
  const login = { kind: 'login', at: '2026-11-21T09:00:00.000Z', source: 'vpn', user: 'alice', sourceIp: '192.0.2.7' }
  const command = { ...login, kind: 'command', argv: ['mysql', '--password=hunter2'], line: 'mysql --password=hunter2' }
  const lines = [login, login, command].map((event) => JSON.stringify(event))
  await writeFile(events, gzipSync([...lines, '', 'no JSON', '{"kind":"login"}', 'x'.repeat(70_000)].join('\n')))
  const rejected = [
    { file: events, line: 5, reason: 'not a JSON object' },
    { file: events, line: 6, reason: 'at: invalid_type; source: invalid_type' },
    { file: events, line: 7, reason: 'longer than 64 KiB' },
  ]
  const wanted = { files: 1, events: { login: 2, command: 1 }, rejected, rejectedMore: 0 }
  t.like(await imported('events', events), wanted)
  t.like(await imported('events', events), wanted)

  const log = join(folder, 'audit.log')
  await writeFile(log, await readFile(new URL('../fixtures/auditd/audit.log', import.meta.url)))
  t.like(await imported('auditd', log), { events: { command: 4 }, rejected: [] })
  t.like(await imported('auditd', new URL('../fixtures/auditd/laurel.jsonl', import.meta.url).pathname), {
    events: { command: 4 },
    rejected: [],
  })
  await until(async () => (await found()).total.value >= 7, { limitMs })
  const { items, total } = await found()
  t.is(total.value, 7)
  t.false(JSON.stringify(items).includes('hunter2'))
  t.truthy(items.find(({ argv }) => argv?.join(' ') === 'curl --version'))
  t.is(await product.stop(), 0)
})
