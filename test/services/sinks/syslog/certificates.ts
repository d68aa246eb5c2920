import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

export type Certificates = {
  ca: string
  server: { cert: string; key: string }
  client: { cert: string; key: string }
  strangerCa: string
}

const openssl = (...args: string[]) => execFileSync('openssl', args, { stdio: ['ignore', 'pipe', 'pipe'] })
const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']

const authority = (folder: string, name: string): string => {
  const [cert, key] = [join(folder, `${name}.pem`), join(folder, `${name}.key`)]
  openssl('req', '-x509', ...newKey, '-keyout', key, '-out', cert, '-days', '2', '-subj', `/CN=${name}`)
  return cert
}

const issued = (folder: string, name: string, names: string): { cert: string; key: string } => {
  const [cert, key, request] = ['pem', 'key', 'csr'].map((ending) => join(folder, `${name}.${ending}`)) as [
    string,
    string,
    string,
  ]
  const extensions = join(folder, `${name}.ext`)
  writeFileSync(extensions, `subjectAltName=${names}\n`)
  openssl('req', ...newKey, '-keyout', key, '-out', request, '-subj', `/CN=${name}`)
  const by = ['-CA', join(folder, 'ca.pem'), '-CAkey', join(folder, 'ca.key'), '-CAcreateserial']
  openssl('x509', '-req', '-in', request, ...by, '-out', cert, '-days', '2', '-extfile', extensions)
  return { cert, key }
}

/** An authority, a server of it that is named localhost and 127.0.0.1, a client, and an authority nobody knows. */
export const makeCertificates = (folder: string): Certificates => ({
  ca: authority(folder, 'ca'),
  server: issued(folder, 'server', 'DNS:localhost,IP:127.0.0.1'),
  client: issued(folder, 'client.example', 'DNS:client.example'),
  strangerCa: authority(folder, 'stranger'),
})
