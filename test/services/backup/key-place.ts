import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { backupKeys } from '#services/backup/backup-keys.ts'
import type { BackupHeader } from '#services/backup/header.ts'
import { restoreKeys } from '#services/backup/restore-keys.ts'
import { readBackupHeader } from '#services/backup/sealed-reader.ts'
import { systemClock } from '#services/clock.ts'
import { actKeyOf, encodeAct } from '#services/custody/act-format.ts'
import { draftAct } from '#services/custody/write-act.ts'
import { createFileKeyStore } from '#services/keys/file-key-store.ts'
import type { KeyId } from '#services/keys/key-store.ts'
import { obtainLogSigner } from '#services/keys/log-key.ts'
import type { NoteSigner } from '#services/proofs/note.ts'
import type { CustodyAct } from '#services/schema/custody-act.ts'
import { SessionId } from '#services/schema/ids.ts'
import { type Teardown, temporaryFolder } from '#test/helpers/temporary-folder.ts'

export const passphrase = 'twenty characters and more'
export const session = (n: number): KeyId => `session:0197a1b2-0000-7000-8000-${String(n).padStart(12, '0')}`
export const why = { reason: 'asked for', actor: 'dana', at: new Date('2026-03-01T00:00:00Z') }
export const noEvidence = { list: async () => [], get: async () => new Uint8Array(0) }

/** A folder of keys of a store, with the key of a log, and where backups go. */
export const keyPlace = async (t: Teardown) => {
  const root = await temporaryFolder(t)
  const folder = join(root, 'keys')
  const open = () => createFileKeyStore({ folder, clock: systemClock })
  const keys = await open()
  const log = await obtainLogSigner(folder)
  let count = 0
  return {
    root,
    folder,
    keys,
    log,
    backup: async (after: BackupHeader | null = null, withMasterKey = true) => {
      const file = join(root, `${++count}.backup`)
      const made = await backupKeys({ folder, file, passphrase, withMasterKey, after, progress: () => {} })
      return { file, made, header: await readBackupHeader(file) }
    },
  }
}

export const restoreInto = (folder: string, files: string[], more: Partial<Parameters<typeof restoreKeys>[0]> = {}) =>
  restoreKeys({
    ...{ folder, files, passphrase, evidence: noEvidence, clock: systemClock, dryRun: false, progress: () => {} },
    ...more,
  })

export const bytesOf = (folder: string, name: string): Promise<Buffer> => readFile(join(folder, name))

export const erasureOf = (id: string): CustodyAct => {
  const by = [{ did: 'requested' as const, name: 'dana', role: 'custodian' as const, id: 'token 1' }]
  const sessionId = SessionId.parse(id.slice('session:'.length))
  const until = '2026-04-01T00:00:00.000Z'
  return draftAct({ kind: 'erasure', sessionId, state: 'erasing', until, copies: [], reason: 'asked', by }, systemClock)
}

/** Acts as a store of evidence holds them. */
export const evidenceOf = (acts: { act: CustodyAct; signer: NoteSigner }[]) => {
  const objects = new Map(acts.map(({ act, signer }) => [actKeyOf(act), encodeAct(act, signer)]))
  const stored = { sizeBytes: 1, retainUntil: null, storedAt: new Date() }
  return {
    get: async (key: string) => objects.get(key)!,
    list: async (prefix: string) =>
      [...objects.keys()].filter((key) => key.startsWith(prefix)).map((key) => ({ key, ...stored })),
  }
}
