import { open, rename } from 'node:fs/promises'
import { dirname } from 'node:path'

/** A new name in a folder survives a power cut only when the folder itself was synced (fsync(2), NOTES). */
export const syncFolder = async (folder: string): Promise<void> => {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Replaces a small file as a whole: readers see the old or the new content, also after a crash. Mode 0600. */
export const writeFileDurably = async (file: string, content: string | Uint8Array): Promise<void> => {
  const temporary = `${file}.new`
  const handle = await open(temporary, 'w', 0o600)
  try {
    await handle.writeFile(content)
    await handle.sync()
  } finally {
    await handle.close()
  }
  await rename(temporary, file)
  await syncFolder(dirname(file))
}
