import { createHash, randomBytes } from 'node:crypto'
import { open, readdir, readFile, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { systemCode } from '../disk-error.ts'
import { syncFolder } from '../durable-file.ts'
import { createOnceWriter, type DurableFolders } from '../write-once.ts'

const nullIfAbsent = (error: unknown): null => {
  if (systemCode(error) === 'ENOENT') return null
  throw error
}

/** In place first: the name alone would leave the bytes in free blocks. (Copies that a disk or a backup made stay.) */
const overwrite = async (file: string): Promise<void> => {
  const { size } = await stat(file)
  const handle = await open(file, 'r+')
  try {
    await handle.write(randomBytes(size), 0, size, 0)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

const hashOf = (id: string) => createHash('sha256').update(id).digest('hex')

/** Makes and changes nothing; the folder need not exist. */
export const lookAtKeyFiles = (folder: string) => {
  const fileOf = (hash: string, ending: 'key' | 'destroyed') =>
    join(folder, hash.slice(0, 2), hash.slice(2, 4), `${hash}.${ending}`)
  const stands = async (hash: string): Promise<boolean> =>
    (await stat(fileOf(hash, 'destroyed')).catch(nullIfAbsent)) !== null
  return {
    fileOf,
    stands,
    isDestroyed: (id: string) => stands(hashOf(id)),
    read: (id: string): Promise<string | null> => readFile(fileOf(hashOf(id), 'key'), 'utf8').catch(nullIfAbsent),
  }
}

/**
 * Files of keys: `<aa>/<bb>/<SHA-256 of the id>.key` and, once destroyed, `….destroyed`. In `.erasing` stands the hash of
 * an id from before its tombstone until its key file is gone, so that the next open ends what a crash cut short.
 */
export const openKeyFiles = async (folder: string, folders: DurableFolders) => {
  const partial = join(folder, '.partial')
  const erasing = join(folder, '.erasing')
  for (const path of [partial, erasing]) await folders.ensure(path)
  const once = await createOnceWriter(partial)

  const { fileOf, stands, isDestroyed, read } = lookAtKeyFiles(folder)

  const erase = async (hash: string): Promise<void> => {
    const file = fileOf(hash, 'key')
    await overwrite(file).catch(nullIfAbsent)
    await rm(file, { force: true })
    await syncFolder(dirname(file))
  }
  for (const hash of await readdir(erasing)) {
    if (await stands(hash)) await erase(hash)
    await rm(join(erasing, hash), { force: true })
  }

  return {
    once,
    isDestroyed,
    read,
    /** Durable when resolved; false: there is one already. */
    create: async (id: string, content: string): Promise<boolean> => {
      const file = fileOf(hashOf(id), 'key')
      await folders.ensure(dirname(file))
      return once.write(file, Buffer.from(content), 0o600)
    },
    erase: (id: string) => erase(hashOf(id)),
    /** Durable, and the key file gone, when resolved. The first tombstone stands. */
    destroy: async (id: string, tombstone: string): Promise<void> => {
      const hash = hashOf(id)
      await folders.ensure(dirname(fileOf(hash, 'key')))
      await once.write(join(erasing, hash), Buffer.alloc(0), 0o600)
      await once.write(fileOf(hash, 'destroyed'), Buffer.from(tombstone), 0o600)
      await erase(hash)
      await rm(join(erasing, hash), { force: true })
    },
  }
}
