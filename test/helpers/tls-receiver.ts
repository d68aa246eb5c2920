import { generateKeyPairSync, X509Certificate } from 'node:crypto'
import { connect as connectHttp2 } from 'node:http2'
import { request as httpsRequest } from 'node:https'
import { join } from 'node:path'
import type { SecureContextOptions } from 'node:tls'
import { serveTls } from '#ingest/receiver/serve-tls.ts'
import { Config } from '#services/config.ts'
import { openAuthority } from '#services/pki/authority.ts'
import { keepServerCertificate } from '#services/pki/server-certificate.ts'
import { type ServedOptions, serveReceiver } from './receiver.ts'
import { type Teardown, temporaryFolder } from './temporary-folder.ts'

export type Reply = { status: number; headers: Record<string, unknown>; body: Record<string, unknown> }
type Asked = { method?: string; path: string; body?: string | Uint8Array; headers?: Record<string, string> }

export const newAgentKey = () => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    publicKey: publicKey.export({ type: 'spki', format: 'der' }).toString('base64'),
  }
}
const replyOf = (status: number, headers: Record<string, unknown>, text: string): Reply => ({
  status,
  headers,
  body: text === '' ? {} : (JSON.parse(text) as Record<string, unknown>),
})

export const overHttp1 = (url: string, tls: SecureContextOptions, asked: Asked) =>
  new Promise<Reply>((resolve, reject) => {
    const { method = 'POST', path, body, headers = {} } = asked
    const request = httpsRequest(new URL(path, url), { ...tls, method, headers, agent: false })
    request.once('error', reject)
    request.once('response', (response) => {
      let text = ''
      response.on('data', (part: Buffer) => {
        text += part.toString()
      })
      response.once('end', () => resolve(replyOf(response.statusCode ?? 0, response.headers, text)))
    })
    request.end(body)
  })

export const overHttp2 = (url: string, tls: SecureContextOptions, asked: Asked) =>
  new Promise<Reply>((resolve, reject) => {
    const { method = 'POST', path, body, headers = {} } = asked
    const session = connectHttp2(url, tls)
    session.once('error', reject)
    const stream = session.request({ ...headers, ':method': method, ':path': path })
    let text = ''
    let answered: Record<string, unknown> = {}
    stream.on('response', (got) => {
      answered = got
    })
    stream.on('data', (part: Buffer) => {
      text += part.toString()
    })
    stream.once('end', () => {
      session.close()
      resolve(replyOf(Number(answered[':status']), answered, text))
    })
    stream.end(body)
  })

/** A receiver over TLS on loopback, and an agent of bastion-1 with a certificate that is in its list. */
export const serveTlsReceiver = async (t: Teardown, replaced: ServedOptions = {}) => {
  const authority = await openAuthority(join(await temporaryFolder(t), 'pki'))
  const stores = await serveReceiver(t, { ...replaced, authority })
  const { enrolments, receiver, clock, log } = stores
  const config = { ...Config.parse({ receiver: { port: 0 } }).receiver, host: '127.0.0.1' }
  const served = await serveTls({
    ...{ config, what: 'the receiver', setting: 'BARTIZAN_RECEIVER_PORT', router: receiver, log },
    ca: authority.certificate,
    certificate: () => keepServerCertificate({ authority, names: ['localhost'], clock }),
    certificateEveryMs: 3_600_000,
  })
  t.teardown(served.close)
  const url = `https://localhost:${served.port}`
  const ca = authority.certificate
  const certify = async (bastion = 'bastion-1', days = 30) => {
    const { key, publicKey } = newAgentKey()
    const cert = await authority.issueForAgent(bastion, publicKey, days)
    return { tls: { ca, key, cert }, certificate: new X509Certificate(cert) }
  }
  const enrolled = async (bastion = 'bastion-1') => {
    const one = await certify(bastion)
    await enrolments.add(bastion, one.certificate, await enrolments.revocations(bastion))
    return one
  }
  return { ...stores, authority, url, ca, certify, enrolled }
}
