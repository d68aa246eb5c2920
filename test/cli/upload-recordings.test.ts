import { readFile } from 'node:fs/promises'
import test from 'ava'
import type { Session } from '#services/schema/session.ts'
import { bytesOf, exported, sessionsOf } from '#test/helpers/recorded.ts'
import { bartizan, startProduct, untilSealed } from '#test/helpers/running.ts'
import { until } from '#test/helpers/until.ts'

const fixture = (name: string): string => new URL(`../fixtures/recordings/${name}`, import.meta.url).pathname
const v1 = JSON.stringify({
  ...{ version: 1, width: 90, height: 30, duration: 1, command: 'top -b', title: '', env: {} },
  stdout: [
    [0, 'one\r\n'],
    [0.5, 'two \u2713\r\n'],
  ],
})
/** What a cast of version 2 or 3 kept of its terminal's output. */
const outputOf = (cast: string): string =>
  cast
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => JSON.parse(line) as [number, string, string])
    .map(([, kind, data]) => (kind === 'o' ? data : ''))
    .join('')

test('uploaded recordings become sealed sessions with their bytes, and `bartizan import` knows them again', async (t) => {
  t.timeout(5 * 60_000)
  const product = await startProduct(t)
  const [v2, v3] = [await readFile(fixture('v2.cast'), 'utf8'), await readFile(fixture('v3.cast'), 'utf8')]
  const casts: [string, string, string][] = [
    ['uma&start=2017-01-02T03:04:05Z', v1, 'one\r\ntwo \u2713\r\n'],
    ['vic', v2, outputOf(v2)],
    ['wim', v3, outputOf(v3)],
  ]
  for (const [query, body, output] of casts) {
    const path = `/api/ingest/recordings?format=asciicast&bastion=old-bastion&user=${query}`
    const answers = [
      await product.api(path, { method: 'POST', body }),
      await product.api(path, { method: 'POST', body }),
    ]
    t.like(answers, [
      { sessions: 1, unchanged: 0 },
      { sessions: 1, unchanged: 1 },
    ])
    const asked = `bastion=old-bastion&user=${query.slice(0, 3)}&from=2016-01-01T00:00:00Z`
    const found = async (): Promise<Session[]> => sessionsOf(product, asked)
    await until(async () => (await found()).length > 0, { limitMs: 60_000 })
    const [session, ...others] = await found()
    t.deepEqual(others, [])
    await untilSealed(product, session!.id)
    t.is(bytesOf(await exported(product, session!.id), 'ttyout').toString(), output)
  }
  const args = ['--format', 'asciicast', '--bastion', 'old-bastion', '--user', 'vic', '--json', fixture('v2.cast')]
  const run = bartizan(['import', ...args], { BARTIZAN_DATA: product.data })
  t.is(await run.exited, 0, run.output())
  t.like(JSON.parse(run.output()), { sessions: 1, unchanged: 1 })
})
