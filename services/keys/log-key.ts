import { createPrivateKey, generateKeyPairSync, hash, type KeyObject } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { diskError, systemCode } from '../disk-error.ts'
import { BartizanError } from '../errors.ts'
import { makeFolder } from '../make-folder.ts'
import type { NoteSigner } from '../proofs/note.ts'
import { rawPublicKey } from '../recordings/format/signed-head.ts'
import { createOnceWriter } from '../write-once.ts'
import { checkPrivate } from './master-key.ts'

const hint = 'restore it from the backup: with another key the log cannot go on'

const parse = (file: string, pem: string): KeyObject => {
  try {
    const key = createPrivateKey(pem)
    if (key.asymmetricKeyType === 'ed25519') return key
  } catch {} // said below
  throw new BartizanError('BTZ_KEY_INVALID', `${file} is not an Ed25519 key`, { hint })
}

/** Named after its key, so that no two logs share a name. `file`: for errors. @throws BTZ_KEY_INVALID */
export const logSignerOf = (file: string, pem: string): NoteSigner => {
  const privateKey = parse(file, pem)
  return { name: `bartizan-log/${hash('sha256', rawPublicKey(privateKey), 'hex').slice(0, 16)}`, privateKey }
}

const make = async (folder: string, file: string): Promise<void> => {
  const partial = join(folder, '.partial')
  await makeFolder(partial)
  const { privateKey } = generateKeyPairSync('ed25519')
  const once = await createOnceWriter(partial)
  await once.write(file, Buffer.from(privateKey.export({ type: 'pkcs8', format: 'pem' })), 0o600)
}

/** Null: none was made yet. @throws BTZ_KEYS_EXPOSED BTZ_KEY_INVALID */
export const readLogSigner = async (folder: string): Promise<NoteSigner | null> => {
  const file = join(folder, 'log.key')
  const pem = await readFile(file, 'utf8').catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') return null
    throw diskError(error, file)
  })
  if (pem === null) return null
  await checkPrivate(file)
  return logSignerOf(file, pem)
}

/**
 * Who signs the log's checkpoints: `<folder>/log.key`, made at the first start; of several processes that start at once one
 * makes it. @throws BTZ_KEYS_EXPOSED BTZ_KEY_INVALID BTZ_DATA_UNWRITABLE BTZ_DISK_FULL
 */
export const obtainLogSigner = async (folder: string): Promise<NoteSigner> => {
  const file = join(folder, 'log.key')
  if ((await readLogSigner(folder)) === null)
    await make(folder, file).catch((error: unknown) => Promise.reject(diskError(error, file)))
  return (await readLogSigner(folder))!
}
