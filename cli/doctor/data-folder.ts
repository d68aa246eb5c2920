import { randomBytes } from 'node:crypto'
import { rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { systemCode } from '#services/disk-error.ts'
import type { Finding } from '#services/finding.ts'
import { type Check, fine, notChecked, wrong } from './check.ts'

const name = 'data folder'

/** The folder, or the nearest above it that exists. */
export const existing = async (folder: string): Promise<string> => {
  try {
    await stat(folder)
    return folder
  } catch (error) {
    if (!['ENOENT', 'ENOTDIR'].includes(systemCode(error) ?? '') || dirname(folder) === folder) throw error
    return existing(dirname(folder))
  }
}

const tryWriting = async (folder: string): Promise<void> => {
  const probe = join(folder, `.doctor-${process.pid}-${randomBytes(4).toString('hex')}`)
  await writeFile(probe, '', { flag: 'wx', mode: 0o600 })
  await rm(probe)
}

const writable = async (data: string, present: string): Promise<Finding> => {
  try {
    await tryWriting(present)
    return fine(
      name,
      present === data ? `${data} can be written` : `${data} is not there yet; the first start makes it`,
    )
  } catch (error) {
    const reason = `${present} cannot be written: ${(error as Error).message}`
    return wrong(name, reason, 'mend its owner, mode or mount, free space, or name another folder with BARTIZAN_DATA')
  }
}

const ownerFinding = (folder: string, owner: number): Finding => {
  const me = process.getuid?.() ?? owner
  if (owner === me) return fine('data folder owner', `user ${owner}, as this process`)
  if (me === 0)
    return notChecked(
      'data folder owner',
      `${folder} is user ${owner}'s and this is root: run doctor as that user to see what it sees`,
    )
  return wrong(
    'data folder owner',
    `${folder} is user ${owner}'s, and this process is user ${me}`,
    'run doctor, and Bartizan, as the owner of its data',
  )
}

export const dataFolder: Check = {
  name,
  run: async ({ config: { data } }) => {
    const present = await existing(data)
    const findings = [await writable(data, present)]
    if (present === data) findings.push(ownerFinding(data, (await stat(data)).uid))
    return findings
  },
}
