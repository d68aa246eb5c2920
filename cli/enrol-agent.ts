import { generateKeyPairSync } from 'node:crypto'
import { join } from 'node:path'
import { loadIdentity, replaceIdentity } from '#services/access/identity.ts'
import { type AgentCredentials, readCredentials, writeCredentials } from '#services/agents/credentials.ts'
import type { Config } from '#services/config.ts'
import { BartizanError } from '#services/errors.ts'
import type { Logger } from '#services/log.ts'
import { makeFolder } from '#services/make-folder.ts'
import { CertificateAnswer, EnrolAnswer, type EnrolRequest, RenewAnswer } from '#services/schema/enrolment.ts'
import { callReceiver, fetchAuthority } from './enrol-call.ts'

/** A key pair that never leaves this machine but for its public half. */
const newKey = (): { key: string; publicKey: string } => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    publicKey: publicKey.export({ type: 'spki', format: 'der' }).toString('base64'),
  }
}

/** The receiver takes us for whom we say we are; what came before is good no longer after that. */
const prove = async ({ url, ca, key, certificate, bastion }: AgentCredentials): Promise<void> => {
  const tls = { ca, key, cert: certificate }
  const answer = await callReceiver(new URL(url), tls, { method: 'GET', path: '/api/agents/certificate' })
  if (CertificateAnswer.parse(answer).bastion === bastion) return
  throw new BartizanError('BTZ_ENROL_REFUSED', `the receiver does not take this agent for ${bastion}`)
}

export type Enrolment = { url: URL; code: string; caSha256: string }

/**
 * Makes a key, has it certified, pins the receiver's authority. Everything is on the disk before the certificate is used.
 * True: the agent has to be started again, since it signs with another key from now on.
 * @throws BTZ_CERTIFICATE BTZ_ENROL_REFUSED BTZ_UNAVAILABLE
 */
export const enrolAgent = async (config: Config, enrolment: Enrolment, log: Logger): Promise<boolean> => {
  const { data, bastion } = config
  const { url, code, caSha256 } = enrolment
  const folder = join(data, 'agent')
  await makeFolder(folder)
  const { keyId } = await loadIdentity(folder, log)
  const ca = await fetchAuthority(url, caSha256)
  const { key, publicKey } = newKey()
  const body: EnrolRequest = { bastion, code, publicKey, keyId }
  const answer = await callReceiver(url, { ca }, { method: 'POST', path: '/api/agents/enrol', body })
  const { certificate, isSigningKeyRevoked } = EnrolAnswer.parse(answer)
  const credentials = { url: url.origin, bastion, ca, key, certificate }
  await writeCredentials(data, credentials)
  if (isSigningKeyRevoked) await replaceIdentity(folder)
  await prove(credentials)
  return isSigningKeyRevoked
}

/** Another key and certificate in place of the present one. @throws BTZ_ENROL_REFUSED BTZ_UNAVAILABLE BTZ_NOT_FOUND */
export const rotateAgent = async ({ data }: Config): Promise<void> => {
  const present = await readCredentials(data)
  if (!present)
    throw new BartizanError('BTZ_NOT_FOUND', `the agent of ${data} is not enrolled`, {
      hint: '`bartizan agents enrol-code --bastion NAME` on the server prints the command that enrols it',
    })
  const { key, publicKey } = newKey()
  const tls = { ca: present.ca, key: present.key, cert: present.certificate }
  const call = { method: 'POST' as const, path: '/api/agents/certificate', body: { publicKey } }
  const { certificate } = RenewAnswer.parse(await callReceiver(new URL(present.url), tls, call))
  const next = { ...present, key, certificate }
  await writeCredentials(data, next)
  await prove(next)
}
