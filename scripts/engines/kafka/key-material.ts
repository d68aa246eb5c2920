import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { run } from '../programs.ts'

const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '30']

/** A certificate authority of this folder's own, and a key and certificate of 127.0.0.1 that it signed. */
export const makeKeyMaterial = async (folder: string): Promise<{ keyFile: string; caFile: string }> => {
  const file = (name: string) => join(folder, name)
  const [caFile, keyFile] = [file('ca.pem'), file('server.pem')]
  await run('openssl', [
    ...['req', '-x509', ...newKey, '-subj', '/CN=engines of a test', '-keyout', file('ca-key.pem'), '-out', caFile],
  ])
  await run('openssl', [
    ...['req', '-x509', ...newKey, '-CA', caFile, '-CAkey', file('ca-key.pem'), '-subj', '/CN=127.0.0.1'],
    ...['-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost', '-addext', 'basicConstraints=critical,CA:FALSE'],
    ...['-keyout', file('key.pem'), '-out', file('certificate.pem')],
  ])
  const parts = await Promise.all(['key.pem', 'certificate.pem', 'ca.pem'].map((name) => readFile(file(name))))
  await writeFile(keyFile, Buffer.concat(parts), { mode: 0o600 })
  return { keyFile, caFile }
}
