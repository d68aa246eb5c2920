import { BartizanError } from '../errors.ts'
import type { NoteVerifier } from '../proofs/note.ts'
import type { RecordingReader } from '../recordings/recording-store.ts'
import type { CustodyAct } from '../schema/custody-act.ts'
import { checkKey } from '../state/state-limits.ts'
import { actsSince } from './acts.ts'
import { StateLine } from './backup-state.ts'
import { isLeftOut } from './left-out.ts'
import { readLines } from './read-lines.ts'
import { headerOfKind } from './sealed-reader.ts'
import type { ImageEntry, StateImage } from './state-image.ts'

/** `unknownActs`: what was decided about evidence since, of which the restored state knows nothing. */
export type StateRestored = {
  id: string
  createdAt: string
  replaced: number
  entries: number
  unknownActs: { kind: CustodyAct['kind']; sessionId: string | null; at: string }[]
  unproven: string[]
}

export type StateRestore = {
  image: StateImage
  evidence: Pick<RecordingReader, 'list' | 'get'>
  verifier: NoteVerifier | null
  file: string
  passphrase: string
  force: boolean
  dryRun: boolean
  progress: (entries: number) => void
}

/** All of it, before anything is changed. @throws BTZ_BACKUP_DAMAGED */
const check = async ({ file, passphrase }: StateRestore) => {
  let entries = 0
  let last = { entries: -1, lastRevision: 0 }
  for await (const line of readLines(file, passphrase, StateLine)) {
    if (line.t === 'end') last = line
    else {
      checkKey(line.key)
      JSON.parse(line.value)
      entries++
    }
  }
  if (last.entries === entries) return last
  throw new BartizanError('BTZ_BACKUP_DAMAGED', `${file} holds ${entries} entries, and says ${last.entries}`)
}

async function* entriesOf({ file, passphrase, progress }: StateRestore): AsyncGenerator<ImageEntry, void, void> {
  let count = 0
  for await (const line of readLines(file, passphrase, StateLine)) {
    if (line.t !== 'entry' || isLeftOut(line.key)) continue
    yield line
    progress(++count)
  }
}

const actsAfter = async ({ evidence, verifier }: StateRestore, createdAt: string) => {
  const unproven: string[] = []
  const unknownActs: StateRestored['unknownActs'] = []
  for await (const act of actsSince(evidence, verifier, Date.parse(createdAt), (key) => unproven.push(key)))
    unknownActs.push({ kind: act.kind, sessionId: act.kind === 'disposal' ? null : act.sessionId, at: act.at })
  return { unknownActs, unproven }
}

/**
 * The whole state is that of the backup afterwards. Nothing may run on it.
 * @throws BTZ_BACKUP_DAMAGED BTZ_REQUEST_INVALID BTZ_STATE_CONFLICT (there is state already, or somebody writes to it)
 */
export const restoreState = async (options: StateRestore): Promise<StateRestored> => {
  const { image, file, force, dryRun } = options
  const { id, createdAt } = await headerOfKind(file, 'state')
  const { entries, lastRevision } = await check(options)
  const replaced = await image.count()
  if (replaced > 0 && !force) {
    throw new BartizanError(
      'BTZ_STATE_CONFLICT',
      `there is state already, of ${replaced} entries; nothing was restored`,
      {
        hint: 'make a backup of it, then restore with --force: it is replaced by that of the backup',
      },
    )
  }
  const acts = await actsAfter(options, createdAt)
  if (!dryRun) await image.replace(entriesOf(options), lastRevision)
  return { id, createdAt, replaced, entries, ...acts }
}
