import { execFile } from 'node:child_process'
import { open, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { BartizanError } from '../errors.ts'
import { markedName } from '../process-mark.ts'

/** Node has no ioctl(2): the flag FS_IMMUTABLE_FL is set through chattr(1), which needs CAP_LINUX_IMMUTABLE. */
const chattr = (flag: '+i' | '-i', files: string[]) =>
  promisify(execFile)('chattr', [flag, '--', ...files], { timeout: 10_000, maxBuffer: 64 * 1024 })

/** Not even root alters, renames or removes these files before a `chattr -i`. Durable when resolved. */
export const makeImmutable = async (files: string[]): Promise<void> => {
  await chattr('+i', files)
  for (const file of files) {
    const handle = await open(file, 'r')
    await handle.sync().finally(() => handle.close())
  }
}

/** Takes that back: for what is disposed of. */
export const makeMutable = async (files: string[]): Promise<void> => {
  await chattr('-i', files)
}

/** @throws BTZ_IMMUTABLE_UNAVAILABLE when files in `folder` cannot be made immutable */
export const checkImmutable = async (folder: string): Promise<void> => {
  const probe = join(folder, await markedName())
  try {
    await writeFile(probe, '', { flag: 'wx' })
    await chattr('+i', [probe])
    await chattr('-i', [probe])
  } catch (cause) {
    const said = ((cause as { stderr?: string }).stderr || (cause as Error).message).trim()
    throw new BartizanError('BTZ_IMMUTABLE_UNAVAILABLE', `files in ${folder} cannot be made immutable: ${said}`, {
      hint: 'recordings.immutable needs root, the program chattr and a file system such as ext4 or xfs; turn it off or provide them',
      cause,
    })
  } finally {
    await rm(probe, { force: true })
  }
}
