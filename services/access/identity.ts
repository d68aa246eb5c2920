import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { chmod, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { diskError, systemCode } from '../disk-error.ts'
import { writeFileDurably } from '../durable-file.ts'
import { BartizanError } from '../errors.ts'
import type { Logger } from '../log.ts'
import { keyIdOf, rawPublicKey } from '../recordings/format/signed-head.ts'

/** Who an agent, or a process of the cluster, is: the Ed25519 key that signs what it says. */
export type Identity = { privateKey: KeyObject; publicKey: Uint8Array; keyId: string; isNew: boolean }

const identityOf = (privateKey: KeyObject, isNew: boolean): Identity => {
  const publicKey = rawPublicKey(privateKey)
  return { privateKey, publicKey, keyId: keyIdOf(publicKey), isNew }
}

const fileOf = (folder: string): string => join(folder, 'identity.key')

const make = async (file: string): Promise<Identity> => {
  const { privateKey } = generateKeyPairSync('ed25519')
  await writeFileDurably(file, privateKey.export({ type: 'pkcs8', format: 'pem' }))
  return identityOf(privateKey, true)
}

const parse = (file: string, pem: string): Identity => {
  try {
    const key = createPrivateKey(pem)
    if (key.asymmetricKeyType === 'ed25519') return identityOf(key, false)
  } catch (cause) {
    throw new BartizanError('BTZ_KEY_INVALID', `${file} cannot be read as a key`, { cause })
  }
  throw new BartizanError('BTZ_KEY_INVALID', `${file} is not an Ed25519 key`)
}

/** Made once; read by its owner only. @throws BTZ_KEY_INVALID BTZ_DATA_UNWRITABLE BTZ_DISK_FULL */
export const loadIdentity = async (folder: string, log: Logger): Promise<Identity> => {
  const file = fileOf(folder)
  try {
    const pem = await readFile(file, 'utf8')
    if ((await stat(file)).mode & 0o077) {
      log.warn({ file }, 'the signing key could be read by others; its mode is set to 0600')
      await chmod(file, 0o600)
    }
    return parse(file, pem)
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return make(file).catch((cause) => Promise.reject(diskError(cause, file)))
    throw diskError(error, file)
  }
}

/** Another one, from the next start on. What the one before signed stays good until that one is revoked. */
export const replaceIdentity = async (folder: string): Promise<void> => {
  const file = fileOf(folder)
  await make(file).catch((cause) => Promise.reject(diskError(cause, file)))
}
