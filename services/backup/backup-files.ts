import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { systemCode } from '../disk-error.ts'
import { BartizanError } from '../errors.ts'
import type { BackupHeader, BackupKind } from './header.ts'
import { readBackupHeader } from './sealed-reader.ts'

const ending = '.backup'
const nameForm = /^bartizan-(keys|state)-[0-9TZ-]{20,30}\.backup$/

const isFolder = async (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isDirectory(),
    (error: unknown) => {
      if (systemCode(error) === 'ENOENT') return false
      throw error
    },
  )

/** Where a backup is written: the file itself, or one named by kind and time in a folder. */
export const targetOf = async (to: string, kind: BackupKind, nowMs: number): Promise<string> => {
  if (!(await isFolder(to))) return to
  const time = new Date(nowMs).toISOString().replaceAll(/[:.]/g, '-')
  return join(to, `bartizan-${kind}-${time}${ending}`)
}

/** The file, or all backups of this kind that a folder holds. @throws BTZ_NOT_FOUND */
export const backupsIn = async (from: string, kind: BackupKind): Promise<string[]> => {
  if (!(await isFolder(from))) return [from]
  const names = (await readdir(from)).filter((name) => nameForm.exec(name)?.[1] === kind).sort()
  if (names.length > 0) return names.map((name) => join(from, name))
  throw new BartizanError('BTZ_NOT_FOUND', `${from} holds no backup of ${kind}`)
}

/** The last backup of keys in a folder. @throws BTZ_NOT_FOUND */
export const lastKeysBackup = async (folder: string): Promise<BackupHeader> => {
  const headers = await Promise.all((await backupsIn(folder, 'keys')).map(readBackupHeader))
  return headers.reduce((last, header) => (header.createdAt > last.createdAt ? header : last))
}
