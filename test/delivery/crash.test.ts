import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import { seededRandom } from '#test/helpers/seeded-random.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { until } from '#test/helpers/until.ts'
import { httpReceiver } from '#test/services/sinks/http-receiver.ts'
import { commandEvent, openPlace, produceAlerts, produceEvents, someAlert } from './place.ts'

const childFile = fileURLToPath(new URL('./sink-child.ts', import.meta.url))
const events = 800
const alerts = 60

type Body = { items?: { seq: number; event?: { id: string }; alert?: { id: string; revision: number } }[] }

test('killed -9 again and again, a destination misses nothing, and gets twice only what has the same number', async (t) => {
  const seed = Number(process.env.SEED ?? Date.now() % 100_000)
  t.log(`SEED=${seed}`)
  const random = seededRandom(seed)
  const folder = await temporaryFolder(t)
  const secretFile = join(folder, 'secret')
  await writeFile(secretFile, `whsec_${randomBytes(32).toString('base64')}`)
  const [receiver, pager] = [await httpReceiver(t), await httpReceiver(t)]
  const hook = { type: 'webhook', secretFiles: [secretFile], allowPrivate: true }
  const sinks = [
    {
      ...hook,
      name: 'siem',
      url: receiver.url,
      send: { events: 'all', alerts: 'info' },
      batch: { items: 20, waitMs: 5 },
    },
    { ...hook, name: 'pager', url: pager.url, send: { alerts: 'low' }, notify: { stormMessages: 1_000 } },
  ]
  const data = join(folder, 'data')
  const place = await openPlace(data)
  await produceEvents(
    place.bus,
    Array.from({ length: events }, (_, n) => commandEvent(n)),
  )
  for (let revision = 1; revision <= 3; revision++)
    await produceAlerts(
      place.bus,
      Array.from({ length: alerts }, (_, n) => someAlert(n, { revision, count: revision })),
    )
  await place.close()

  const itemsOf = () => receiver.received.flatMap(({ body }) => (JSON.parse(body) as Body).items ?? [])
  const nameOf = ({ event, alert }: ReturnType<typeof itemsOf>[number]) =>
    event?.id ?? `${alert?.id} ${alert?.revision}`
  const distinct = () => new Set(itemsOf().map(nameOf)).size
  const wanted = events + 3 * alerts
  for (let kills = 0; kills < 3; kills++) {
    const child = spawn(process.execPath, [childFile, data, JSON.stringify(sinks)], { stdio: 'inherit' })
    const ended = once(child, 'close')
    const seen = receiver.received.length + 1 + Math.floor(random() * 15)
    await until(() => receiver.received.length >= seen || distinct() === wanted, { limitMs: 60_000, everyMs: 5 })
    child.kill('SIGKILL')
    await ended
  }
  const child = spawn(process.execPath, [childFile, data, JSON.stringify(sinks)], { stdio: 'inherit' })
  const ended = once(child, 'close')
  t.teardown(() => child.kill('SIGKILL'))
  const paged = () => new Set(pager.received.map(({ headers }) => headers['webhook-id']))
  await until(() => distinct() === wanted && paged().size === alerts, { limitMs: 60_000 })
  child.kill('SIGKILL')
  await ended

  const bySeq = Map.groupBy(itemsOf(), ({ seq }) => seq)
  t.deepEqual(
    [...bySeq.keys()].sort((a, b) => a - b),
    Array.from({ length: wanted }, (_, n) => n + 1),
  )
  for (const [seq, items] of bySeq) t.is(new Set(items.map(nameOf)).size, 1, `number ${seq}`)
  t.log({ requests: receiver.received.length, twice: itemsOf().length - wanted, pages: pager.received.length })
  const bodies = Map.groupBy(pager.received, ({ headers }) => headers['webhook-id'])
  for (const [id, pages] of bodies) t.is(new Set(pages.map(({ body }) => body)).size, 1, `page ${id}`)
})
