import { randomBytes } from 'node:crypto'
import type { Clock } from '../clock.ts'
import { diskError } from '../disk-error.ts'
import { BartizanError, hasCode } from '../errors.ts'
import { createDurableFolders } from '../write-once.ts'
import { createKeyCache } from './key-cache.ts'
import { openKeyFiles } from './key-files.ts'
import type { KeyId, KeyStore } from './key-store.ts'
import { checkPrivate, obtainMasterKey } from './master-key.ts'
import { unwrapKey, wrapKey } from './wrapped-key.ts'

const maxIdLength = 512

const destroyed = (id: KeyId) =>
  new BartizanError('BTZ_KEY_DESTROYED', `the key of ${id} was destroyed: what it encrypted is erased`)

const checkId = (id: KeyId): void => {
  if (/^(session|bastion):./.test(id) && id.length <= maxIdLength) return
  throw new BartizanError('BTZ_KEY_INVALID', `${JSON.stringify(id.slice(0, 80))} is not a key id`)
}

const reword = (error: unknown): never => {
  throw diskError(error, 'keys')
}

const open = async (folder: string) => {
  const folders = await createDurableFolders(folder)
  await checkPrivate(folder)
  const files = await openKeyFiles(folder, folders)
  return { files, master: await obtainMasterKey(folder, files.once) }
}

/**
 * A file per key, wrapped by `<folder>/master.key`: who has the folder has the keys. Erasure reaches this folder, not
 * copies made of it.
 * @throws BTZ_KEYS_EXPOSED BTZ_KEY_INVALID BTZ_DATA_UNWRITABLE BTZ_DISK_FULL
 */
export const createFileKeyStore = async (options: { folder: string; clock: Clock }): Promise<KeyStore> => {
  const { clock } = options
  const { files, master } = await open(options.folder).catch(reword)
  const cache = createKeyCache(clock)

  const find = async (id: KeyId): Promise<Uint8Array | null> => {
    checkId(id)
    const cached = cache.get(id)
    if (cached === null) throw destroyed(id)
    if (cached) return cached.slice()
    // The file first: when it is read half overwritten, the tombstone stands already.
    const file = await files.read(id)
    if (await files.isDestroyed(id)) throw destroyed(id)
    if (file === null) return null
    const key = unwrapKey(master, id, file)
    cache.set(id, key)
    return key.slice()
  }

  const destroy: KeyStore['destroy'] = async (id, why) => {
    checkId(id)
    await files.destroy(id, `${JSON.stringify({ v: 1, id, ...why })}\n`)
    cache.set(id, null)
  }

  const get: KeyStore['get'] = async (id) => {
    const key = await find(id)
    if (!key) throw new BartizanError('BTZ_KEY_NOT_FOUND', `there is no key for ${id}`)
    return key
  }

  const make = async (id: KeyId): Promise<Uint8Array> => {
    await files.create(id, wrapKey(master, id, randomBytes(32), new Date(clock.now()).toISOString()))
    return get(id).catch(async (error: unknown) => {
      // Destroyed while it was being made: the file made too late has to go as well.
      if (hasCode(error, 'BTZ_KEY_DESTROYED')) await files.erase(id)
      throw error
    })
  }

  return {
    obtain: async (id) => (await find(id)) ?? (await make(id).catch(reword)),
    get,
    destroy: (id, why) => destroy(id, why).catch(reword),
    close: async () => cache.clear(),
  }
}
