import type { AddressInfo } from 'node:net'
import { SMTPServer } from 'smtp-server'
import type { Teardown } from '#test/helpers/temporary-folder.ts'

/** A real mail server on loopback, without TLS and passwords. `busy`: so many mails are refused for now before it takes any. */
export const mailReceiver = async (t: Teardown, { port = 0, busy = 0 } = {}) => {
  const mails: { subject: string; text: string }[] = []
  let refusals = busy
  const smtp = new SMTPServer({
    disabledCommands: ['AUTH', 'STARTTLS'],
    onData: (stream, _session, done) => {
      const chunks: Buffer[] = []
      stream.on('data', (chunk: Buffer) => chunks.push(chunk))
      stream.on('end', () => {
        if (refusals-- > 0) return done(Object.assign(new Error('busy'), { responseCode: 451 }))
        const text = Buffer.concat(chunks).toString().replaceAll('=\r\n', '') // quoted-printable
        mails.push({ subject: /^Subject: (.*)$/m.exec(text)?.[1] ?? '', text })
        return done()
      })
    },
  })
  await new Promise<void>((resolve) => smtp.listen(port, '127.0.0.1', resolve))
  t.teardown(() => new Promise<void>((resolve) => smtp.close(() => resolve())))
  return { mails, port: (smtp.server.address() as AddressInfo).port }
}
