import { randomBytes } from 'node:crypto'
import { appendFile, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { bartizan, startProduct } from '#test/helpers/running.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { until } from '#test/helpers/until.ts'
import { wholeLines } from '#test/helpers/whole-lines.ts'
import { httpReceiver } from '#test/services/sinks/http-receiver.ts'

type Item = { seq: number; event?: { id: string; kind: string; user: string | null } }
const failures = 40

const sshdLines = (user: string, count: number): string =>
  Array.from({ length: count }, (_, n) => {
    const at = new Date().toISOString()
    return `${at} test-bastion sshd[${1_000 + n}]: Failed password for invalid user ${user}${n} from 198.51.100.7 port ${20_000 + n} ssh2\n`
  }).join('')

test('an operator sees a destination go down and come back, tests it, resends what it refused, and has the day replayed', async (t) => {
  const folder = await temporaryFolder(t)
  const [logFile, configFile, secretFile] = ['sshd.log', 'bartizan.yaml', 'secret'].map((name) =>
    join(folder, name),
  ) as [string, string, string]
  const receiver = await httpReceiver(t)
  let how: 'up' | 'down' | 'picky' = 'picky'
  const taken: Item[] = []
  receiver.answer = ({ body }, response) => {
    if (how === 'down') return response.writeHead(503, { 'retry-after': '1' }).end()
    if (how === 'picky' && body.includes('"nobody7"')) return response.writeHead(422).end()
    taken.push(...(JSON.parse(body) as { items: Item[] }).items)
    return response.end()
  }
  const send = '{ events: [login_failed] }'
  const path = join(folder, 'siem.ndjson')
  await writeFile(logFile, '')
  await writeFile(secretFile, `whsec_${randomBytes(32).toString('base64')}`)
  await writeFile(
    configFile,
    `sinks:
  - { name: siem, type: file, path: ${path}, send: ${send} }
  - { name: soar, type: webhook, url: '${receiver.url}', secretFiles: [${secretFile}], allowPrivate: true, send: ${send} }
`,
  )
  const product = await startProduct(t, {
    env: { BARTIZAN_OPENSSH_LOG: logFile, BARTIZAN_CONFIG: configFile, BARTIZAN_LOG_LEVEL: 'silent' },
  })
  const command = async (...args: string[]) => {
    const run = bartizan(args, { BARTIZAN_DATA: product.data, BARTIZAN_CONFIG: configFile })
    return { code: await run.exited, output: run.output() }
  }
  const users = () => new Set(taken.filter(({ seq }) => seq > 0).map(({ event }) => event?.user))

  t.regex((await command('dead-letters', 'list')).output, /^nothing was put aside$/m)
  await appendFile(logFile, sshdLines('nobody', failures))
  await until(() => users().size === failures - 1, { limitMs: 60_000, what: 'all but the refused one' })
  const letters = await command('dead-letters', 'list')
  t.regex(letters.output, /^\S+ {2}\S+ {2}sink-soar {2}BTZ_SINK_REFUSED {2}\d+ B {2}the receiver refused it$/m)

  how = 'down'
  await appendFile(logFile, sshdLines('later', failures))
  const lines = () => wholeLines(path)
  await until(async () => (await lines()).length === 2 * failures, { limitMs: 60_000, what: 'the file has all' })
  const listed = async () => (await command('sinks', 'list')).output
  await until(async () => /^soar {2}webhook {2}retrying .* 503$/m.test(await listed()), { limitMs: 60_000 })
  const isServed = async () => /^siem {2}file {2}ok {2}0 records, 0 s behind {2}seq 80$/m.test(await listed())
  await until(isServed, { limitMs: 60_000, what: 'the other destination is served' })
  const tried = await command('sinks', 'test', 'soar')
  t.is(tried.code, 1)
  t.regex(tried.output, /soar: .*503/)

  how = 'up'
  await until(() => users().size === 2 * failures - 1, { limitMs: 90_000, what: 'what waited has arrived' })
  t.deepEqual(await command('sinks', 'test', 'soar'), { code: 0, output: 'soar took it\n' })
  const [id = ''] = letters.output.split('  ')
  t.is((await command('dead-letters', 'resend', id)).output, `${id} goes to sink-soar again\n`)
  await until(() => users().size === 2 * failures, { limitMs: 30_000, what: 'the refused one has arrived' })

  const day = new Date(Date.now() - 3_600_000).toISOString()
  t.is((await command('sinks', 'replay', 'siem', '--from', day)).code, 0)
  await until(async () => (await lines()).length === 4 * failures, { limitMs: 30_000, what: 'the day again' })
  const events = (await lines()).map((line) => (JSON.parse(line) as { event: { id: string; sequence: number } }).event)
  t.deepEqual(
    events.map(({ sequence }) => sequence),
    events.map((_, n) => n + 1),
  )
  t.is(new Set(events.map(({ id: eventId }) => eventId)).size, 2 * failures)
  const numbers = taken.map(({ seq }) => seq).filter((seq) => seq > 0)
  t.deepEqual(
    numbers,
    numbers.map((_, n) => n + 1),
  )

  const wrong = await command('sinks', 'replay', 'siem', '--from', 'yesterday')
  t.is(wrong.code, 1)
  t.regex(wrong.output, /"yesterday" is neither a number nor a time\n.*2026-01-31T12:00:00Z/)
  t.regex((await command('sinks', 'test', 'nobody')).output, /the configuration names no sink nobody/)
  t.is(await product.stop(), 0)
  t.false(product.output().includes((await readFile(secretFile, 'utf8')).slice(6, 20)))
})
