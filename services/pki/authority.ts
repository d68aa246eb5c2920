import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { diskError, systemCode } from '../disk-error.ts'
import { writeFileDurably } from '../durable-file.ts'
import { BartizanError } from '../errors.ts'
import { makeFolder } from '../make-folder.ts'
import { createOnceWriter } from '../write-once.ts'
import { agentNameExtension, relayNameExtension } from './agent-name.ts'
import { fingerprintOf } from './fingerprint.ts'
import { type CertificateRequest, makeCertificate } from './openssl.ts'
import { namesExtension } from './server-names.ts'

const caDays = 3650
const endEntity = ['basicConstraints=critical,CA:false', 'keyUsage=critical,digitalSignature']
const certificateForm = /-----BEGIN CERTIFICATE-----[\s\S]{1,8192}?-----END CERTIFICATE-----\n/

export type Authority = {
  /** PEM, without its key. */
  certificate: string
  sha256: string
  folder: string
  /** For the agent of a bastion. `publicKey`: SPKI, DER in base64. @throws BTZ_REQUEST_INVALID BTZ_CERTIFICATE */
  issueForAgent(bastion: string, publicKey: string, days: number): Promise<string>
  /** For a relay, which is a client here and a server, by these names and addresses, to the agents behind it. @throws as above */
  issueForRelay(relay: string, publicKey: string, names: readonly string[], days: number): Promise<string>
  /** For a server of these names and addresses; key and certificate in PEM. @throws BTZ_CERTIFICATE */
  issueForServer(names: readonly string[], days: number): Promise<{ key: string; certificate: string }>
}

const pem = (key: KeyObject): string =>
  key.export(key.type === 'private' ? { type: 'pkcs8', format: 'pem' } : { type: 'spki', format: 'pem' }).toString()
const newKeyPair = () => generateKeyPairSync('ec', { namedCurve: 'prime256v1' })

/** Nobody but the owner may read keys. @throws BTZ_KEYS_EXPOSED */
const readPrivate = async (file: string): Promise<string | null> => {
  try {
    if ((await stat(file)).mode & 0o077)
      throw new BartizanError('BTZ_KEYS_EXPOSED', `${file} can be read by other users of this machine`, {
        hint: `chmod go= '${file}', and find out who had access`,
      })
    return await readFile(file, 'utf8')
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return null
    throw error instanceof BartizanError ? error : diskError(error, file)
  }
}

const makeCa = async (folder: string): Promise<string> => {
  const { privateKey, publicKey } = newKeyPair()
  const scratch = await mkdtemp(join(folder, '.ca-'))
  const keyFile = join(scratch, 'key.pem')
  const extensions = ['basicConstraints=critical,CA:true,pathlen:0', 'keyUsage=critical,keyCertSign,cRLSign']
  const subject = { commonName: 'Bartizan receiver CA', days: caDays, publicKey: pem(publicKey) }
  try {
    await writeFileDurably(keyFile, pem(privateKey))
    const request: CertificateRequest = { folder, issuer: { keyFile }, ...subject, extensions }
    return (await makeCertificate(request)) + pem(privateKey)
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}

const publicKeyOf = (text: string): string => {
  try {
    const key = createPublicKey({ key: Buffer.from(text, 'base64'), format: 'der', type: 'spki' })
    if (key.asymmetricKeyDetails?.namedCurve === 'prime256v1') return pem(key)
  } catch {} // said below
  throw new BartizanError('BTZ_REQUEST_INVALID', 'the public key is not one of P-256 in SPKI form')
}

const parse = (file: string, text: string): string => {
  const certificate = certificateForm.exec(text)?.[0]
  if (certificate && text.includes('PRIVATE KEY')) return certificate
  throw new BartizanError('BTZ_KEY_INVALID', `${file} does not hold a certificate and its key`, {
    hint: 'restore it from the backup. Without it every agent has to be enrolled anew',
  })
}

/**
 * The authority of this installation: made at the first start, in one file of mode 0600, so that of several processes that
 * start at once one wins as a whole. Whoever has the file can speak for every bastion.
 * @throws BTZ_KEYS_EXPOSED BTZ_KEY_INVALID BTZ_CERTIFICATE BTZ_DATA_UNWRITABLE BTZ_DISK_FULL
 */
export const openAuthority = async (folder: string): Promise<Authority> => {
  await makeFolder(folder)
  const caFile = join(folder, 'ca.pem')
  if ((await readPrivate(caFile)) === null) {
    const partial = join(folder, '.partial')
    await makeFolder(partial)
    await (await createOnceWriter(partial)).write(caFile, Buffer.from(await makeCa(folder)), 0o600)
  }
  const certificate = parse(caFile, (await readPrivate(caFile)) ?? '')
  const issuer = { caFile }
  return {
    certificate,
    sha256: fingerprintOf(certificate),
    folder,
    issueForAgent: async (bastion, publicKey, days) => {
      const extensions = [...endEntity, 'extendedKeyUsage=clientAuth', agentNameExtension(bastion)]
      const request = { folder, issuer, commonName: 'Bartizan agent', days, extensions }
      return makeCertificate({ ...request, publicKey: publicKeyOf(publicKey) })
    },
    issueForRelay: async (relay, publicKey, names, days) => {
      const extensions = [...endEntity, 'extendedKeyUsage=clientAuth,serverAuth', relayNameExtension(relay, names)]
      const request = { folder, issuer, commonName: 'Bartizan relay', days, extensions }
      return makeCertificate({ ...request, publicKey: publicKeyOf(publicKey) })
    },
    issueForServer: async (names, days) => {
      const { privateKey, publicKey } = newKeyPair()
      const extensions = [...endEntity, 'extendedKeyUsage=serverAuth', namesExtension(names)]
      const request = { folder, issuer, commonName: 'Bartizan receiver', days, extensions }
      return { key: pem(privateKey), certificate: await makeCertificate({ ...request, publicKey: pem(publicKey) }) }
    },
  }
}
