import { fork } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { until } from '#test/helpers/until.ts'
import type { Start, Told } from './delivery/product.ts'
import { rsyslogDestination, webDestination } from './delivery/receivers.ts'

/**
 * A webhook and an rsyslogd that are down for ten minutes of the wall's clock while events flow, beside a webhook that is
 * not: `npm run bench -- delivery-outage [--quick]`
 */
const quick = process.argv.includes('--quick')
const perSecond = 50
const outageSeconds = quick ? 20 : 600
const aroundSeconds = quick ? 5 : 30
const readMs = 1_000
const catchUpMs = 300_000

const undo: (() => unknown)[] = []
const t = { teardown: (run: () => unknown) => undo.push(run) }
const folder = await temporaryFolder(t)
const secretFile = join(folder, 'secret')
await writeFile(secretFile, `whsec_${randomBytes(32).toString('base64')}`)
const [hook, syslog, steady] = [await webDestination(t), await rsyslogDestination(t), await webDestination(t)]
const destinations = { 'webhook, down': hook, 'rsyslog over TCP, down': syslog, 'webhook, untouched': steady }
const webhook = (name: string, { port }: { port: number }) => ({
  ...{ name, type: 'webhook', url: `http://127.0.0.1:${port}/`, secretFiles: [secretFile], allowPrivate: true },
  send: { events: ['command'] },
})
const sinks = [
  webhook('down-hook', hook),
  {
    ...{ name: 'down-syslog', type: 'syslog', transport: 'tcp', host: '127.0.0.1', port: syslog.port },
    send: { events: ['command'] },
  },
  webhook('steady', steady),
]

const product = fork(fileURLToPath(new URL('./delivery/product.ts', import.meta.url)))
undo.push(() => product.kill('SIGKILL'))
const start: Start = { folder: join(folder, 'data'), sinks, perSecond, seconds: outageSeconds + 2 * aroundSeconds }
const told: (Told & { atSeconds: number; phase: string })[] = []
let phase = 'all up'
const startMs = performance.now()
product.on('message', (message: Told) => {
  told.push({ ...message, atSeconds: Math.round((performance.now() - startMs) / 1_000), phase })
})
product.send(start)
const reading = setInterval(() => void syslog.read(), readMs)

await sleep(aroundSeconds * 1_000)
phase = 'down'
await Promise.all([hook.down(), syslog.down()])
await sleep(outageSeconds * 1_000)
phase = 'up again'
await Promise.all([hook.up(), syslog.up()])
const upMs = performance.now()
const wanted = start.seconds * perSecond
const isComplete = () => Object.values(destinations).every(({ tally }) => tally.arrived() >= wanted)
await until(isComplete, { limitMs: catchUpMs, everyMs: readMs }).catch(() => {})
const caughtUpSeconds = Math.round((performance.now() - upMs) / 1_000)
await sleep(6_000) // what came twice, comes now; and the last state is told
clearInterval(reading)
const ended = once(product, 'exit')
product.kill('SIGTERM')
await ended
await syslog.read()

const step = Math.max(1, Math.round(told.length / 16))
console.table(
  told
    .filter((_one, n) => n % step === 0 || n === told.length - 1)
    .map(({ atSeconds, phase: during, produced, rssBytes, heapBytes, sinks: states }) => ({
      s: atSeconds,
      destinations: during,
      produced,
      'RSS MB': Math.round(rssBytes / 1e6),
      'heap MB': Math.round(heapBytes / 1e6),
      ...Object.fromEntries(
        states.map(({ name, state, lagRecords, lagSeconds }) => [name, `${state}, ${lagRecords} (${lagSeconds} s)`]),
      ),
    })),
)
console.table(
  Object.fromEntries(
    Object.entries(destinations).map(([name, { tally }]) => [name, tally.figures(told.at(-1)?.produced ?? 0)]),
  ),
)
console.log({ outageSeconds, perSecond, caughtUpSeconds })
for (const run of undo.reverse()) await run()
