import { Webhook } from 'standardwebhooks'
import type { Clock } from '../clock.ts'
import { BartizanError } from '../errors.ts'
import type { WebhookSinkSettings } from '../schema/sink-settings.ts'
import { asUnavailable, judge, post } from './http-post.ts'
import { readSecret } from './secret-file.ts'
import { SinkGone } from './sink.ts'

const goneAfter = 3
const minSecretBytes = 24 // Standard Webhooks, "Signature scheme"

/** The secrets are read each time: a rotation needs no restart. @throws BTZ_CONFIG_INVALID */
const readSigners = async ({ name, secretFiles }: WebhookSinkSettings): Promise<Webhook[]> => {
  const secrets = await Promise.all(secretFiles.map((file) => readSecret(name, file)))
  for (const [at, secret] of secrets.entries()) {
    if (secret.startsWith('whsec_') && Buffer.from(secret.slice(6), 'base64').byteLength >= minSecretBytes) continue
    throw new BartizanError('BTZ_CONFIG_INVALID', `sink ${name}: ${secretFiles[at]} holds no webhook secret`, {
      hint: `it is whsec_ and the base64 of at least ${minSecretBytes} random bytes`,
    })
  }
  return secrets.map((secret) => new Webhook(secret))
}

export type WebhookPost = (id: string, body: string, signal: AbortSignal) => Promise<'taken' | 'refused'>

/** One message, signed with every secret (Standard Webhooks 1.0). `id`: the same for the same message. */
export const createWebhookPost = async (
  settings: WebhookSinkSettings,
  { clock, ca }: { clock: Clock; ca: string | undefined },
): Promise<WebhookPost> => {
  await readSigners(settings)
  const { url, allowPrivate, timeoutMs } = settings
  let gone = 0
  return async (id, body, signal) => {
    const signers = await readSigners(settings)
    const at = new Date(clock.now())
    const headers = {
      'content-type': 'application/json',
      'user-agent': 'bartizan',
      'webhook-id': id,
      'webhook-timestamp': String(Math.floor(at.getTime() / 1_000)),
      'webhook-signature': signers.map((signer) => signer.sign(id, at, body)).join(' '),
    }
    const answer = await post({ url, headers, body, allowPrivate, ca, timeoutMs }, signal).catch(asUnavailable)
    gone = answer.status === 410 ? gone + 1 : 0
    if (gone >= goneAfter) throw new SinkGone(`it answered 410 Gone ${gone} times`)
    return judge(answer)
  }
}
