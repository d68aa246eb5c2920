import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { systemCode } from '../disk-error.ts'
import { BartizanError } from '../errors.ts'
import { logSignerOf } from '../keys/log-key.ts'
import { unwrapKey } from '../keys/wrapped-key.ts'
import { type NoteVerifier, verifierOf } from '../proofs/note.ts'
import { actsSince } from './acts.ts'
import { type KeyFileName, KeyLine } from './backup-keys.ts'
import type { BackupHeader } from './header.ts'
import { idIn } from './key-folder.ts'
import { readLines } from './read-lines.ts'
import type { KeysRestore } from './restore-keys.ts'
import { headerOfKind } from './sealed-reader.ts'

/** What a restore will do; nothing was changed yet. */
export type KeysPlan = {
  /** Full ones first. */
  files: string[]
  missingFiles: Map<KeyFileName, Buffer>
  presentFiles: Map<KeyFileName, Buffer>
  /** By the hash of their key's id. */
  tombstones: Map<string, string>
  /** Key id → act. */
  erased: Map<string, string>
  unproven: string[]
}

const refused = (message: string, hint: string): BartizanError =>
  new BartizanError('BTZ_REQUEST_INVALID', message, { hint })

/** Every incremental one goes on from another that is there. @throws BTZ_REQUEST_INVALID */
const chainOf = async (files: readonly string[]): Promise<string[]> => {
  const all: { file: string; header: BackupHeader }[] = []
  for (const file of files) all.push({ file, header: await headerOfKind(file, 'keys') })
  const ids = new Set(all.map(({ header }) => header.id))
  const loose = all.find(({ header }) => header.after !== null && !ids.has(header.after))
  if (loose)
    throw refused(
      `${loose.file} goes on from backup ${loose.header.after}, which was not named`,
      'name every backup since the full one, or the folder that holds them',
    )
  return all.sort((a, b) => (a.header.createdAt < b.header.createdAt ? -1 : 1)).map(({ file }) => file)
}

const presentIn = async (folder: string, name: KeyFileName): Promise<Buffer | null> =>
  readFile(join(folder, name)).catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') return null
    throw error
  })

const takeFile = async (plan: KeysPlan, folder: string, name: KeyFileName, bytes: Buffer): Promise<void> => {
  const present = plan.missingFiles.get(name) ?? plan.presentFiles.get(name) ?? (await presentIn(folder, name))
  if (present === null) plan.missingFiles.set(name, bytes)
  else if (!present.equals(bytes))
    throw refused(
      `${name} of the backup is not that of ${folder}; nothing was restored`,
      'restore into an empty folder of keys; if it was made by a start after the loss, move it away first',
    )
}

/** @throws BTZ_BACKUP_DAMAGED BTZ_KEY_INVALID (another master key) */
const checkLine = (file: string, line: { name: string; text: string }, master: Uint8Array | undefined): void => {
  const id = idIn(line)
  if (id === null) throw new BartizanError('BTZ_BACKUP_DAMAGED', `${file}: the key ${line.name} has another name`)
  if (master) unwrapKey(master, id, line.text)
}

const checkFile = async (options: KeysRestore, plan: KeysPlan, file: string): Promise<void> => {
  let [keys, destroyed] = [0, 0]
  for await (const line of readLines(file, options.passphrase, KeyLine)) {
    if (line.t === 'file') await takeFile(plan, options.folder, line.name, Buffer.from(line.base64, 'base64'))
    else if (line.t === 'key') {
      checkLine(file, line, plan.missingFiles.get('master.key') ?? plan.presentFiles.get('master.key'))
      keys++
    } else if (line.t === 'destroyed') {
      checkLine(file, line, undefined)
      plan.tombstones.set(line.name, line.text)
      destroyed++
    } else if (line.keys !== keys || line.destroyed !== destroyed)
      throw new BartizanError('BTZ_BACKUP_DAMAGED', `${file} does not hold as many keys as it says`)
  }
}

const verifierIn = ({ missingFiles, presentFiles }: KeysPlan): NoteVerifier | null => {
  const pem = presentFiles.get('log.key') ?? missingFiles.get('log.key')
  return pem ? verifierOf(logSignerOf('log.key', pem.toString('utf8'))) : null
}

/**
 * Reads all of it, and what evidence says was erased, before anything is changed.
 * @throws BTZ_BACKUP_DAMAGED BTZ_KEY_INVALID BTZ_REQUEST_INVALID, and what reading evidence throws
 */
export const checkKeyBackups = async (options: KeysRestore): Promise<KeysPlan> => {
  const plan: KeysPlan = {
    files: await chainOf(options.files),
    missingFiles: new Map(),
    presentFiles: new Map(),
    tombstones: new Map(),
    erased: new Map(),
    unproven: [],
  }
  for (const name of ['master.key', 'log.key'] as const) {
    const present = await presentIn(options.folder, name)
    if (present) plan.presentFiles.set(name, present)
  }
  for (const file of plan.files) await checkFile(options, plan, file)
  for await (const act of actsSince(options.evidence, verifierIn(plan), 0, (key) => plan.unproven.push(key)))
    if (act.kind === 'erasure') plan.erased.set(`session:${act.sessionId}`, act.id)
  return plan
}
