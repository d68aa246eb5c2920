import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { SMTPServer, type SMTPServerOptions } from 'smtp-server'
import { type MailSinkSettings, SinkSettings } from '#services/schema/sink-settings.ts'
import { createMailNotifier } from '#services/sinks/mail-sink.ts'
import type { Notice } from '#services/sinks/notice.ts'
import { SinkUnavailable } from '#services/sinks/sink.ts'
import { someAlert } from '#test/delivery/place.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'

const signal = new AbortController().signal
const about = () => ({ host: 'b1', version: '1', consoleUrl: 'https://console.example' })

const noticeOf = (more = {}): Notice => {
  const alert = someAlert(7, more)
  return { kind: 'alert', id: `${alert.id}-open-high`, status: 'open', alert }
}

/** A certificate for localhost that a test trusts by name. */
const certificate = (folder: string) => {
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost']
  const made = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', key, '-out', cert]
  execFileSync('openssl', ['req', '-x509', '-days', '1', ...made, ...subject], { stdio: 'ignore' })
  return { key: readFileSync(key), cert: readFileSync(cert) }
}

const mailPlace = async (t: ExecutionContext, server: SMTPServerOptions = {}, more = {}) => {
  const folder = await temporaryFolder(t)
  const pair = certificate(folder)
  const mails: { text: string; user: string | undefined; secure: boolean }[] = []
  const smtp = new SMTPServer({
    ...pair,
    onAuth: ({ username, password }, _session, done) =>
      username === 'alerts' && password === 'hush' ? done(null, { user: username }) : done(new Error('no')),
    onData: (stream, session, done) => {
      const chunks: Buffer[] = []
      stream.on('data', (chunk: Buffer) => chunks.push(chunk))
      stream.on('end', () => {
        mails.push({ text: Buffer.concat(chunks).toString(), user: session.user, secure: session.secure })
        done()
      })
    },
    ...server,
  })
  await new Promise<void>((resolve) => smtp.listen(0, '127.0.0.1', resolve))
  t.teardown(() => new Promise<void>((resolve) => smtp.close(resolve)))
  const passwordFile = join(folder, 'password')
  await writeFile(passwordFile, 'hush\n')
  const settings = SinkSettings.parse({
    name: 'mail',
    type: 'mail',
    host: 'localhost',
    port: (smtp.server.address() as AddressInfo).port,
    username: 'alerts',
    passwordFile,
    from: 'bartizan@example.org',
    to: ['oncall@example.org'],
    ...more,
  }) as MailSinkSettings
  const open = async (ca: string | undefined = pair.cert.toString()) => {
    const notifier = await createMailNotifier(settings, { about, ca })
    t.teardown(notifier.close)
    return notifier
  }
  return { mails, open }
}

test('a mail goes over STARTTLS with a password, and the same notice is the same mail', async (t) => {
  const { mails, open } = await mailPlace(t)
  const notifier = await open()
  const notice = noticeOf()
  t.deepEqual(await notifier.send([{ seq: 1, notice }], signal), { taken: 1 })
  await notifier.send([{ seq: 1, notice }], signal)
  t.is(mails.length, 2)
  t.like(mails[0], { user: 'alerts', secure: true })
  const [first, second] = mails.map(({ text }) => /^Message-ID: (.*)$/im.exec(text)?.[1])
  t.is(first, `<${notice.id}@example.org>`)
  t.is(first, second)
  t.regex(mails[0]!.text, /https:\/\/console\.example\/sessions\/s-1\?t=3D61500/) // quoted-printable
})

test('what an attacker typed makes no header, no further recipient and no second mail', async (t) => {
  const { mails, open } = await mailPlace(t)
  const notifier = await open()
  const title = 'x\r\nBcc: eve@example.net\r\n\r\n.\r\nMAIL FROM:<eve@example.net>'
  await notifier.send(
    [{ seq: 1, notice: noticeOf({ title, user: 'a\r\n.\r\nb', explanation: '\u001b[31m\n.\nQUIT' }) }],
    signal,
  )
  t.is(mails.length, 1)
  const [head = ''] = mails[0]!.text.split('\r\n\r\n')
  t.notRegex(head, /^Bcc:/im)
  t.notRegex(mails[0]!.text, /\u001b/)
})

test('a server whose certificate nobody vouches for gets nothing', async (t) => {
  const { mails, open } = await mailPlace(t)
  const notifier = await open('')
  await t.throwsAsync(notifier.send([{ seq: 1, notice: noticeOf() }], signal), { instanceOf: SinkUnavailable })
  t.is(mails.length, 0)
})

test('a server without STARTTLS gets neither password nor mail', async (t) => {
  const { mails, open } = await mailPlace(t, { disabledCommands: ['STARTTLS'] })
  const notifier = await open()
  await t.throwsAsync(notifier.send([{ seq: 1, notice: noticeOf() }], signal), { instanceOf: SinkUnavailable })
  t.is(mails.length, 0)
})

test('what the server cannot take now is tried again, what it refuses for good is put aside', async (t) => {
  let code = 451
  const { open } = await mailPlace(t, {
    onData: (stream, _session, done) => {
      stream.resume()
      stream.on('end', () => done(Object.assign(new Error('no'), { responseCode: code })))
    },
  })
  const notifier = await open()
  await t.throwsAsync(notifier.send([{ seq: 1, notice: noticeOf() }], signal), { instanceOf: SinkUnavailable })
  code = 554
  t.truthy((await notifier.send([{ seq: 1, notice: noticeOf() }], signal)).refused)
})
