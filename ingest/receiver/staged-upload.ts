import { open, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { diskError } from '#services/disk-error.ts'
import { makeFolder } from '#services/make-folder.ts'

/** Nothing of before is needed: none of it was acknowledged. @throws BTZ_DISK_FULL BTZ_DATA_UNWRITABLE */
export const emptyFolder = async (folder: string): Promise<void> => {
  await makeFolder(folder)
  for (const name of await readdir(folder)) await rm(join(folder, name), { force: true })
}

/**
 * A new file of these bytes, which is gone again where it does not become whole. `onBytes`: so many are there; may throw.
 * @throws BTZ_DISK_FULL BTZ_DATA_UNWRITABLE
 */
export const writeStaged = async (
  file: string,
  chunks: AsyncIterable<Buffer>,
  onBytes: (bytes: number) => void,
): Promise<void> => {
  const refuse = (cause: unknown): never => {
    throw diskError(cause, 'the folder of uploads')
  }
  const handle = await open(file, 'wx', 0o600).catch(refuse)
  let bytes = 0
  try {
    for await (const chunk of chunks) {
      bytes += chunk.byteLength
      onBytes(bytes)
      await handle.writeFile(chunk).catch(refuse)
    }
  } catch (error) {
    await rm(file, { force: true })
    throw error
  } finally {
    await handle.close()
  }
}
