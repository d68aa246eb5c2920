import { randomBytes } from 'node:crypto'
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { systemCode } from '../disk-error.ts'
import { BartizanError } from '../errors.ts'
import type { OnceWriter } from '../write-once.ts'

/** @throws BTZ_KEYS_EXPOSED when group or others have any right on it */
export const checkPrivate = async (path: string): Promise<void> => {
  const mode = (await stat(path)).mode & 0o777
  if ((mode & 0o077) === 0) return
  throw new BartizanError('BTZ_KEYS_EXPOSED', `${path} has mode ${mode.toString(8)}: other users can reach the keys`, {
    hint: `chmod go= '${path}', and find out who had access`,
  })
}

const readMaster = async (file: string): Promise<Uint8Array | null> => {
  const bytes = await readFile(file).catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') return null
    throw error
  })
  if (bytes && bytes.length !== 32) throw new BartizanError('BTZ_KEY_INVALID', `${file} is not 32 bytes long`)
  return bytes
}

const isFanOut = (name: string) => /^[0-9a-f]{2}$/.test(name)

/** Reads `<folder>/master.key`, or makes it. @throws BTZ_KEYS_EXPOSED BTZ_KEY_INVALID */
export const obtainMasterKey = async (folder: string, once: OnceWriter): Promise<Uint8Array> => {
  const file = join(folder, 'master.key')
  if (!(await readMaster(file))) {
    // A new master key would open none of the keys that are there.
    if ((await readdir(folder)).some(isFanOut)) {
      throw new BartizanError('BTZ_KEY_INVALID', `${file} is missing, but there are keys that it wraps`, {
        hint: 'restore it from the backup; without it their recordings cannot be read',
      })
    }
    await once.write(file, randomBytes(32), 0o600)
  }
  await checkPrivate(file)
  return (await readMaster(file))!
}
