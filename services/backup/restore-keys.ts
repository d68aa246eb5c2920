import { dirname, join } from 'node:path'
import type { Clock } from '../clock.ts'
import { diskError } from '../disk-error.ts'
import { lookAtKeyFiles, openKeyFiles } from '../keys/key-files.ts'
import type { RecordingReader } from '../recordings/recording-store.ts'
import { createDurableFolders } from '../write-once.ts'
import { KeyLine } from './backup-keys.ts'
import { checkKeyBackups, type KeysPlan } from './check-keys.ts'
import { idIn } from './key-folder.ts'
import { readLines } from './read-lines.ts'

export type KeysRestored = {
  backups: number
  files: string[]
  /** Keys that were put in place. */
  restored: number
  /** Keys that were there already, the same ones; also of an earlier one of these backups. */
  present: number
  /** Tombstones of the backup that stand now and did not before. */
  tombstones: number
  /** Not restored, because they were destroyed for good. */
  destroyed: { id: string; by: 'tombstone' | 'act' }[]
  /** Not restored, because the id has another key here. */
  conflicts: string[]
  /** Acts of custody that the log's key did not sign, and that kept no key back. */
  unproven: string[]
  masterKey: 'there' | 'missing'
}

export type KeysRestore = {
  folder: string
  files: string[]
  passphrase: string
  evidence: Pick<RecordingReader, 'list' | 'get'>
  clock: Clock
  dryRun: boolean
  progress: (keys: number) => void
}

type Files = Awaited<ReturnType<typeof openKeyFiles>>
type Look = Pick<Files, 'isDestroyed' | 'read'>
type Create = Files['create']
type Key = { id: string; name: string; text: string }

const together = 64

const putFiles = async ({ folder }: KeysRestore, plan: KeysPlan, files: Files): Promise<void> => {
  const folders = await createDurableFolders(folder)
  for (const [name, bytes] of plan.missingFiles) {
    await folders.ensure(dirname(join(folder, name)))
    await files.once.write(join(folder, name), bytes, 0o600)
  }
}

/** Before any key: killed in between, no key stands whose tombstone is in the backup. @returns how many are new */
const putTombstones = async ({ clock }: KeysRestore, plan: KeysPlan, files: Files): Promise<number> => {
  let count = 0
  const put = async (id: string, text: string): Promise<void> => {
    if (await files.isDestroyed(id)) return
    await files.destroy(id, text)
    count++
  }
  for (const [name, text] of plan.tombstones) await put(idIn({ name, text })!, text)
  const at = new Date(clock.now()).toISOString()
  for (const [id, act] of plan.erased)
    await put(id, `${JSON.stringify({ v: 1, id, reason: `erased by act ${act}`, actor: 'bartizan restore', at })}\n`)
  return count
}

const whyNot = async (plan: KeysPlan, { id, name }: Key, files: Look): Promise<'act' | 'tombstone' | null> => {
  if (plan.erased.has(id)) return 'act'
  return plan.tombstones.has(name) || (await files.isDestroyed(id)) ? 'tombstone' : null
}

const putKey = async (plan: KeysPlan, key: Key, files: Look, create: Create, done: KeysRestored): Promise<void> => {
  const by = await whyNot(plan, key, files)
  if (by !== null) done.destroyed.push({ id: key.id, by })
  else if (await create(key.id, key.text)) done.restored++
  else if ((await files.read(key.id)) === key.text) done.present++
  else done.conflicts.push(key.id)
}

const putKeys = async (
  { passphrase, progress }: KeysRestore,
  plan: KeysPlan,
  files: Look,
  create: Create,
  done: KeysRestored,
): Promise<void> => {
  let waiting: Key[] = []
  const put = async (): Promise<void> => {
    await Promise.all(waiting.map((key) => putKey(plan, key, files, create, done)))
    waiting = []
    progress(done.restored + done.present)
  }
  for (const file of plan.files)
    for await (const line of readLines(file, passphrase, KeyLine)) {
      if (line.t !== 'key') continue
      waiting.push({ id: idIn(line)!, name: line.name, text: line.text })
      if (waiting.length >= together) await put()
    }
  await put()
}

const nothing = (plan: KeysPlan): KeysRestored => ({
  backups: plan.files.length,
  files: [...plan.missingFiles.keys()],
  restored: 0,
  present: 0,
  tombstones: 0,
  destroyed: [],
  conflicts: [],
  unproven: plan.unproven,
  masterKey: plan.missingFiles.has('master.key') || plan.presentFiles.has('master.key') ? 'there' : 'missing',
})

/**
 * Adds what is missing, and replaces nothing: neither a key nor a tombstone. A destroyed key does not come back: not where
 * its tombstone stands, here or in one of the backups, nor where evidence holds a signed act of its erasure. Killed in
 * between: what was put stays, and the same call goes on.
 * @throws BTZ_BACKUP_DAMAGED BTZ_KEY_INVALID BTZ_REQUEST_INVALID BTZ_DISK_FULL; before anything was changed but for the last
 */
export const restoreKeys = async (options: KeysRestore): Promise<KeysRestored> => {
  const { folder, dryRun } = options
  const plan = await checkKeyBackups(options)
  const done = nothing(plan)
  try {
    if (dryRun) {
      const files = lookAtKeyFiles(folder)
      await putKeys(options, plan, files, async (id) => (await files.read(id)) === null, done)
      return done
    }
    const files = await openKeyFiles(folder, await createDurableFolders(folder))
    await putFiles(options, plan, files)
    done.tombstones = await putTombstones(options, plan, files)
    await putKeys(options, plan, files, files.create, done)
  } catch (error) {
    throw diskError(error, folder)
  }
  return done
}
