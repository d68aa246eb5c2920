import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { Webhook } from 'standardwebhooks'
import { systemClock } from '#services/clock.ts'
import { SinkSettings, type WebhookSinkSettings } from '#services/schema/sink-settings.ts'
import { retryAfterMs } from '#services/sinks/http-post.ts'
import { isPublic } from '#services/sinks/public-address.ts'
import { type Numbered, SinkGone, SinkUnavailable } from '#services/sinks/sink.ts'
import { createWebhookPost } from '#services/sinks/webhook-post.ts'
import { createWebhookSink } from '#services/sinks/webhook-sink.ts'
import { commandEvent } from '#test/delivery/place.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { httpReceiver } from './http-receiver.ts'

const newSecret = (): string => `whsec_${randomBytes(32).toString('base64')}`
const signal = new AbortController().signal
const numbered = (seq: number, more = {}): Numbered => ({
  seq,
  item: { type: 'event', event: commandEvent(seq, more) },
})

const open = async (t: ExecutionContext, more: Partial<WebhookSinkSettings> = {}) => {
  const receiver = await httpReceiver(t)
  const folder = await temporaryFolder(t)
  const secretFiles = [join(folder, 'new'), join(folder, 'old')]
  const secrets = [newSecret(), newSecret()]
  for (const [at, file] of secretFiles.entries()) await writeFile(file, `${secrets[at]}\n`)
  const settings = SinkSettings.parse({
    name: 'soar',
    type: 'webhook',
    send: { events: 'all' },
    url: receiver.url,
    allowPrivate: true,
    secretFiles,
    ...more,
  }) as WebhookSinkSettings
  const post = await createWebhookPost(settings, { clock: systemClock, ca: undefined })
  return { receiver, secrets, secretFiles, sink: createWebhookSink(settings, post) }
}

test('every secret signs, as receivers with either of them verify', async (t) => {
  const { receiver, secrets, secretFiles, sink } = await open(t)
  t.deepEqual(await sink.send([numbered(1), numbered(2)], signal), { taken: 2 })
  const [{ body, headers } = { body: '', headers: {} }] = receiver.received
  for (const secret of secrets) {
    const verified = new Webhook(secret).verify(body, headers as Record<string, string>) as { items: { seq: number }[] }
    t.deepEqual(
      verified.items.map(({ seq }) => seq),
      [1, 2],
    )
  }
  t.throws(() => new Webhook(newSecret()).verify(body, headers as Record<string, string>))
  const rotated = newSecret()
  await writeFile(secretFiles[1]!, rotated)
  await sink.send([numbered(3)], signal)
  const last = receiver.received.at(-1)!
  t.notThrows(() => new Webhook(rotated).verify(last.body, last.headers as Record<string, string>))
})

test('what is sent again has the same id', async (t) => {
  const { receiver, sink } = await open(t)
  receiver.answer = (_received, response) => response.writeHead(500).end()
  await t.throwsAsync(sink.send([numbered(1)], signal), { instanceOf: SinkUnavailable })
  receiver.answer = (_received, response) => response.end()
  await sink.send([numbered(1)], signal)
  t.deepEqual(
    receiver.received.map(({ headers }) => headers['webhook-id']),
    ['soar-1-1', 'soar-1-1'],
  )
})

test('a receiver that is busy is asked when it said; a reset, a slow one and a redirect are no receipt', async (t) => {
  const { receiver, sink } = await open(t)
  receiver.answer = (_received, response) => response.writeHead(429, { 'retry-after': '7' }).end()
  const busy = await t.throwsAsync(sink.send([numbered(1)], signal), { instanceOf: SinkUnavailable })
  t.is((busy as SinkUnavailable).retryAfterMs, 7_000)
  receiver.answer = (_received, _response, request) => request.socket.resetAndDestroy()
  await t.throwsAsync(sink.send([numbered(1)], signal), { instanceOf: SinkUnavailable })
  receiver.answer = (_received, response) => response.writeHead(302, { location: '/elsewhere' }).end()
  await t.throwsAsync(sink.send([numbered(1)], signal), { instanceOf: SinkUnavailable })
  t.true(receiver.received.every(({ path }) => path === '/hook'))
  const silent = await open(t, { timeoutMs: 300 })
  silent.receiver.answer = () => {}
  await t.throwsAsync(silent.sink.send([numbered(1)], signal), { instanceOf: SinkUnavailable })
})

test('a receiver that says again and again that it is gone is not bothered', async (t) => {
  const { receiver, sink } = await open(t)
  receiver.answer = (_received, response) => response.writeHead(410).end()
  for (let n = 0; n < 2; n++) t.false((await t.throwsAsync(sink.send([numbered(1)], signal))) instanceof SinkGone)
  t.true((await t.throwsAsync(sink.send([numbered(1)], signal))) instanceof SinkGone)
})

test('of a batch that is refused only the culprit is', async (t) => {
  const { receiver, sink } = await open(t)
  receiver.answer = ({ body }, response) => response.writeHead(body.includes('ls 2') ? 400 : 200).end()
  t.deepEqual(await sink.send([numbered(1), numbered(2), numbered(3)], signal), {
    taken: 1,
    refused: { reason: 'the receiver refused it' },
  })
})

test('an item that is too large for a message is refused without being sent', async (t) => {
  const { receiver, sink } = await open(t, { maxBodyBytes: 2_000 })
  const large = numbered(2, { line: 'x'.repeat(3_000) })
  t.deepEqual(await sink.send([numbered(1), large], signal), { taken: 1 })
  t.regex((await sink.send([large], signal)).refused?.reason ?? '', /larger than 2000 bytes/)
  t.is(receiver.received.length, 1)
})

test('an address inside of the network is not connected to unless that is allowed', async (t) => {
  const { receiver, sink } = await open(t, { allowPrivate: false })
  const error = await t.throwsAsync(sink.send([numbered(1)], signal), { instanceOf: SinkUnavailable })
  t.regex(error?.message ?? '', /inside of this network/)
  t.is(receiver.received.length, 0)
})

test('addresses that only we can reach are not public, however they are written', (t) => {
  const inside = [
    '127.0.0.1',
    '10.1.2.3',
    '172.16.0.1',
    '192.168.1.1',
    '169.254.169.254',
    '100.64.0.1',
    '0.0.0.0',
    '224.0.0.1',
    '::1',
    '::',
    'fe80::1',
    'fd00::1',
    '::ffff:127.0.0.1',
    '::ffff:a9fe:a9fe',
    '64:ff9b::7f00:1',
    'localhost',
  ]
  t.deepEqual(inside.filter(isPublic), [])
  t.deepEqual(['8.8.8.8', '2a00:1450:4001::1'].filter(isPublic), ['8.8.8.8', '2a00:1450:4001::1'])
})

test('Retry-After is read as seconds and as a date', (t) => {
  t.is(retryAfterMs('120', 0), 120_000)
  t.is(retryAfterMs('Wed, 21 Oct 2026 07:28:00 GMT', Date.UTC(2026, 9, 21, 7, 27)), 60_000)
  t.is(retryAfterMs('soon', 0), null)
  t.is(retryAfterMs(undefined, 0), null)
})

test('a file that holds no webhook secret is an error of the configuration, and is not shown', async (t) => {
  const folder = await temporaryFolder(t)
  await writeFile(join(folder, 'secret'), 'whsec_c2hvcnQ=')
  const error = await t.throwsAsync(open(t, { secretFiles: [join(folder, 'secret')] }), {
    code: 'BTZ_CONFIG_INVALID',
  })
  t.notRegex(error?.message ?? '', /c2hvcnQ/)
})
