import { createTransport, type SentMessageInfo, type Transporter } from 'nodemailer'
import { BartizanError } from '../errors.ts'
import type { MailSinkSettings } from '../schema/sink-settings.ts'
import { linksOf, type Notice, type Notifier } from './notice.ts'
import { headlineOf, linesOf } from './notice-text.ts'
import { readSecret } from './secret-file.ts'
import { type FormatContext, SinkUnavailable } from './sink.ts'

export type MailOptions = { about: () => FormatContext; ca: string | undefined }

const linkLines = (notice: Notice, consoleUrl: string): string[] => {
  if (notice.kind !== 'alert') return [`${consoleUrl}/alerts`]
  const { alertUrl, momentUrl } = linksOf(notice.alert, consoleUrl)
  return [alertUrl, ...(momentUrl === null ? [] : [`That moment in the replay: ${momentUrl}`])]
}

/** `domain` of the sender. The id is the same however often it is sent, so that a mailbox shows it once. */
const mailOf = (notice: Notice, from: string, consoleUrl: string) => ({
  messageId: `<${notice.id.replaceAll(/[^A-Za-z0-9.-]/g, '.')}@${from.split('@').at(-1)}>`,
  subject: `[Bartizan] ${headlineOf(notice)}`,
  text: [...linesOf(notice), '', ...linkLines(notice, consoleUrl), ''].join('\r\n'),
  headers: { 'Auto-Submitted': 'auto-generated' }, // RFC 3834: no out-of-office answers to it
})

const transportOf = async (settings: MailSinkSettings, ca: string | undefined): Promise<Transporter> => {
  const { name, host, port, tls, username, passwordFile, timeoutMs } = settings
  if (username !== undefined && passwordFile === undefined)
    throw new BartizanError('BTZ_CONFIG_INVALID', `sink ${name}: username is set, but passwordFile is not`)
  if (username !== undefined && tls === 'none')
    throw new BartizanError('BTZ_CONFIG_INVALID', `sink ${name}: a password is not sent without TLS`)
  const auth =
    username === undefined ? {} : { auth: { user: username, pass: await readSecret(name, passwordFile ?? '') } }
  return createTransport({
    host,
    port,
    secure: tls === 'implicit',
    requireTLS: tls === 'starttls',
    ignoreTLS: tls === 'none',
    tls: { ...(ca !== undefined && { ca }) },
    ...auth,
    connectionTimeout: timeoutMs,
    greetingTimeout: timeoutMs,
    socketTimeout: timeoutMs,
    disableFileAccess: true,
    disableUrlAccess: true,
  })
}

/** What the server said about this mail for good (RFC 5321, 4.2.1: 5yz), and not about us or now. */
const isRefusal = ({ code, responseCode }: { code?: string; responseCode?: number }): boolean =>
  code === 'EMESSAGE' && responseCode !== undefined && responseCode >= 500

/** A mail per notice. @throws BTZ_CONFIG_INVALID */
export const createMailNotifier = async (settings: MailSinkSettings, { about, ca }: MailOptions): Promise<Notifier> => {
  const { from, to } = settings
  const transport = await transportOf(settings, ca)
  const sendOne = async (notice: Notice): Promise<'taken' | 'refused'> => {
    try {
      const sent: SentMessageInfo = await transport.sendMail({ from, to, ...mailOf(notice, from, about().consoleUrl) })
      return (sent.accepted?.length ?? 0) > 0 ? 'taken' : 'refused'
    } catch (cause) {
      const error = cause as { code?: string; responseCode?: number }
      if (isRefusal(error)) return 'refused'
      throw new SinkUnavailable(`the mail server: ${error.responseCode ?? error.code ?? 'no answer'}`, null, cause)
    }
  }
  return {
    send: async (batch, signal) => {
      for (const [at, { notice }] of batch.entries()) {
        if (signal.aborted) return { taken: at }
        if ((await sendOne(notice)) === 'refused')
          return { taken: at, refused: { reason: 'the mail server refused it' } }
      }
      return { taken: batch.length }
    },
    close: async () => transport.close(),
  }
}
