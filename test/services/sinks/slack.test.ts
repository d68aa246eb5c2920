import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { SinkSettings, type SlackSinkSettings } from '#services/schema/sink-settings.ts'
import type { DigestNotice, Notice } from '#services/sinks/notice.ts'
import { SinkUnavailable } from '#services/sinks/sink.ts'
import { createSlackNotifier, slackMessage } from '#services/sinks/slack-sink.ts'
import { someAlert } from '#test/delivery/place.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { httpReceiver } from './http-receiver.ts'

const consoleUrl = 'https://console.example'
const noticeOf = (more = {}): Notice => ({ kind: 'alert', id: 'n', status: 'open', alert: someAlert(1, more) })

test('what an attacker typed mentions nobody, links nowhere and moves no cursor', (t) => {
  const hostile = '<!channel> <https://evil.example|click> \u001b[2J\u202e & \r\n* @here'
  const text = JSON.stringify(
    slackMessage(noticeOf({ title: hostile, explanation: hostile, user: hostile }), consoleUrl),
  )
  t.notRegex(text, /<!channel>|<https:\/\/evil|\\u001b|\u202e/)
  t.regex(text, /&lt;!channel&gt;/)
  t.regex(text, /<https:\/\/console\.example\/sessions\/s-1\?t=61500\|/)
})

test('a message stays within the limits of blocks and of their text', (t) => {
  const digest: DigestNotice = {
    kind: 'digest',
    id: 'd',
    sinceMs: 0,
    untilMs: 1,
    rules: Array.from({ length: 100 }, (_, n) => ({ rule: `rule-${n}`, severity: 'low', count: n })),
    findings: [],
    suppressed: 0,
    capped: 0,
    past: 0,
    sinks: Array.from({ length: 50 }, (_, n) => ({ name: 'x'.repeat(40) + n, state: 'retrying', lagSeconds: 100 })),
  }
  const messages = [
    slackMessage(digest, consoleUrl),
    slackMessage(noticeOf({ explanation: '<'.repeat(4_096), title: '&'.repeat(256) }), consoleUrl),
  ]
  for (const { blocks } of messages) {
    t.true(blocks.length <= 50)
    t.true(blocks.every(({ text }) => text.text.length <= 3_000))
  }
})

test('the hook is posted to, waits as long as it asks, and its address stands in no error', async (t) => {
  const receiver = await httpReceiver(t)
  const folder = await temporaryFolder(t)
  const urlFile = join(folder, 'url')
  await writeFile(urlFile, `${receiver.url}/T0/B0/topsecret\n`)
  const settings = SinkSettings.parse({ name: 'chat', type: 'slack', urlFile, allowPrivate: true }) as SlackSinkSettings
  const about = () => ({ host: 'b1', version: '1', consoleUrl })
  const notifier = await createSlackNotifier(settings, { about, ca: undefined })
  const { signal } = new AbortController()
  t.deepEqual(await notifier.send([{ seq: 1, notice: noticeOf() }], signal), { taken: 1 })
  receiver.answer = (_received, response) => response.writeHead(429, { 'retry-after': '30' }).end()
  const error = (await t.throwsAsync(notifier.send([{ seq: 2, notice: noticeOf() }], signal))) as SinkUnavailable
  t.true(error instanceof SinkUnavailable)
  t.is(error.retryAfterMs, 30_000)
  t.notRegex(`${error.stack}`, /topsecret/)
})
