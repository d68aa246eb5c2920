import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { systemCode } from '../disk-error.ts'
import { BartizanError } from '../errors.ts'
import { checkPrivate } from '../keys/master-key.ts'
import { Sha256Hex } from '../schema/ids.ts'
import type { BackupHeader } from './header.ts'
import { fileSystemMs, idIn, keyFiles } from './key-folder.ts'
import { createSealedWriter, newHeader, type SealedWriter } from './sealed-writer.ts'

/** Beside the session keys. Only the first opens them. */
export const KeyFileName = z.enum(['master.key', 'log.key', 'pki/ca.pem'])
export type KeyFileName = z.infer<typeof KeyFileName>

const text = z.string().max(8192)
export const KeyLine = z.discriminatedUnion('t', [
  z.strictObject({ t: z.literal('file'), name: KeyFileName, base64: z.base64().max(64 * 1024) }),
  z.strictObject({ t: z.literal('key'), name: Sha256Hex, text }),
  z.strictObject({ t: z.literal('destroyed'), name: Sha256Hex, text }),
  z.strictObject({ t: z.literal('end'), keys: z.int(), destroyed: z.int() }),
])
export type KeyLine = z.infer<typeof KeyLine>

/** `damaged`: names of files that are no keys any more, and are not in it. */
export type KeysBackup = {
  id: string
  createdAt: string
  after: string | null
  files: KeyFileName[]
  keys: number
  destroyed: number
  damaged: string[]
  bytes: number
}

const addFiles = async (writer: SealedWriter, folder: string, withMasterKey: boolean): Promise<KeyFileName[]> => {
  const names = KeyFileName.options.filter((name) => withMasterKey || name !== 'master.key')
  const added: KeyFileName[] = []
  for (const name of names) {
    const bytes = await readFile(join(folder, name)).catch((error: unknown) => {
      if (systemCode(error) === 'ENOENT') return null
      throw error
    })
    if (bytes === null) continue
    await writer.add({ t: 'file', name, base64: bytes.toString('base64') } satisfies KeyLine)
    added.push(name)
  }
  return added
}

const startMsOf = (folder: string): Promise<number> =>
  fileSystemMs(folder).catch((cause: unknown) => {
    throw new BartizanError('BTZ_KEY_NOT_FOUND', `${folder} holds no session keys (${systemCode(cause)})`, {
      hint: 'name the data folder with BARTIZAN_DATA, or the folder of the keys with BARTIZAN_KEYS_FOLDER',
      cause,
    })
  })

/**
 * Session keys as they lie there, wrapped by the master key, and tombstones of destroyed ones; with it what signs the
 * log and the certificates of agents. May run while keys are made and destroyed. `after`: only what came after that one.
 * @throws BTZ_KEY_NOT_FOUND BTZ_KEYS_EXPOSED BTZ_FILE_EXISTS BTZ_DISK_FULL
 */
export const backupKeys = async (options: {
  folder: string
  file: string
  passphrase: string
  withMasterKey: boolean
  after: BackupHeader | null
  progress: (keys: number) => void
}): Promise<KeysBackup> => {
  const { folder, file, passphrase, withMasterKey, after, progress } = options
  const startMs = await startMsOf(folder)
  await checkPrivate(folder)
  const createdAt = new Date(startMs).toISOString()
  const header = newHeader({ kind: 'keys', createdAt, after: after?.id ?? null })
  const writer = await createSealedWriter(file, header, passphrase)
  const counts = { key: 0, destroyed: 0 }
  const damaged: string[] = []
  try {
    const files = await addFiles(writer, folder, withMasterKey)
    for (const { ending, name, text } of keyFiles(folder, after && Date.parse(after.createdAt))) {
      if (idIn({ name, text }) === null) damaged.push(`${name}.${ending}`)
      else {
        await writer.add({ t: ending, name, text } satisfies KeyLine)
        counts[ending]++
        progress(counts.key + counts.destroyed)
      }
    }
    const { key: keys, destroyed } = counts
    await writer.add({ t: 'end', keys, destroyed } satisfies KeyLine)
    const bytes = await writer.finish()
    return { id: header.id, createdAt, after: header.after, files, keys, destroyed, damaged, bytes }
  } catch (error) {
    await writer.abandon()
    throw error
  }
}
