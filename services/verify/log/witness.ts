import { hash } from 'node:crypto'
import { openAct } from '../../custody/act-format.ts'
import { hasCode } from '../../errors.ts'
import { parsedJson } from '../../json.ts'
import { leafOfObject } from '../../proofs/leaf.ts'
import { maxNoteBytes } from '../../proofs/note.ts'
import { LogLeaf } from '../../schema/log-leaf.ts'
import { actGroupOf, disposals } from '../acts.ts'
import type { Finding } from '../finding.ts'
import type { ReadObject } from '../read-objects.ts'
import { isInScope, type Scope } from '../scope.ts'
import type { ReadCheckpoint } from './checkpoints.ts'
import { leafKindOf } from './leaf-kind.ts'
import { createLeafSet } from './leaf-set.ts'
import type { ScannedLeaf } from './scan.ts'
import { logFinding, type StoredLog } from './stored-log.ts'

const waitingMs = 10 * 60_000 // a checkpoint comes within a minute, unless what makes them is away
const maxUnread = 10_000

const leafIn = ({ entry }: ScannedLeaf): LogLeaf | null => {
  const parsed = entry && LogLeaf.safeParse(parsedJson(entry.toString()))
  return parsed?.success ? parsed.data : null
}

const keyHash = (key: string): Buffer => hash('sha256', key, 'buffer')

/** What of the evidence the log knows of, and what the evidence has of what the log knows. */
export const createWitness = (log: StoredLog, scope: Scope, latest: ReadCheckpoint | null, expected: number) => {
  const leaves = createLeafSet(expected)
  const disposed = createLeafSet()
  const unread = new Set<string>()
  let isEmptied = false // something of the scope was disposed of

  /** What is wrong with one that is in the scope is told of where it is met, or missed. */
  const takeDisposal = async ({ key, sha256 }: LogLeaf): Promise<Finding | null> => {
    const tell = (what: string, detail: string): Finding | null =>
      isInScope(key, scope) ? null : logFinding('tampered', what, key, detail)
    try {
      const bytes = await log.source.get(key, { start: 0, length: maxNoteBytes + 1 })
      const act = openAct(bytes, log.verifier)
      if (hash('sha256', bytes, 'hex') !== sha256) return tell('replaced', 'the log has another SHA-256 of it')
      for (const object of act.kind === 'disposal' ? act.objects : []) {
        disposed.add(keyHash(object.key))
        isEmptied ||= isInScope(object.key, scope)
      }
      return null
    } catch (error) {
      if (hasCode(error, 'BTZ_RECORDING_NOT_FOUND')) return tell('gone', (error as Error).message)
      if (hasCode(error, 'BTZ_EVIDENCE_CORRUPT')) return tell('act', (error as Error).message)
      throw error
    }
  }
  const notInLog = (key: string, storedAt: Date): Finding => {
    if (latest === null) return logFinding('incomplete', 'log-pending', key, 'the log has no checkpoint yet')
    const since = latest.storedAt?.getTime() ?? 0
    return storedAt.getTime() > since - waitingMs
      ? logFinding(
          'incomplete',
          'log-pending',
          key,
          `no checkpoint covers it yet; the latest is of ${latest.size} leaves`,
        )
      : logFinding(
          'incomplete',
          'not-in-log',
          key,
          `the log does not know it: ${latest.size} leaves, none of these bytes`,
        )
  }
  const isDisposed = (key: string): boolean => disposed.has(keyHash(key))

  return {
    /** Before any object is looked at. */
    async *take(scanned: readonly ScannedLeaf[]): AsyncGenerator<Finding> {
      for (const each of scanned) {
        const leaf = leafIn(each)
        if (leaf === null && each.entry === null) {
          // What it says cannot be read: whatever has this hash is what it was about.
          leaves.add(each.id)
          leaves.tick(each.id)
        }
        if (leaf === null || leaf.kind === 'access') continue
        if (isInScope(leaf.key, scope)) leaves.add(each.id)
        if (leaf.kind === 'act' && actGroupOf(leaf.key) === disposals) {
          const found = await takeDisposal(leaf)
          if (found) yield found
        }
      }
    },
    /** The object with what the log says of it. */
    look: (read: ReadObject): ReadObject => {
      const { object, bytes } = read
      const kind = leafKindOf(object.key)
      if (kind === null) return read
      if (bytes === null) {
        if (unread.size < maxUnread) unread.add(object.key)
        return read
      }
      const { id } = leafOfObject(kind, object.key, bytes)
      if (leaves.tick(Buffer.from(id, 'hex')) || kind === 'events') return read
      return { ...read, findings: [...read.findings, notInLog(object.key, object.storedAt)] }
    },
    /** It says that something is gone, and an act of disposal says that it should be. */
    excuses: ({ what, where: { key } }: Finding): boolean =>
      what === 'nothing' ? isEmptied : ['block-missing', 'manifest-missing'].includes(what) && isDisposed(key),
    left: leaves.left,
    /** Of a leaf: what it is about is not there, or is something else. */
    absent: async (scanned: ScannedLeaf): Promise<Finding | null> => {
      const leaf = leaves.left() > 0 && leaves.has(scanned.id) && !leaves.isTicked(scanned.id) ? leafIn(scanned) : null
      if (leaf === null || !leaves.tick(scanned.id) || isDisposed(leaf.key) || unread.has(leaf.key)) return null
      const stands = await log.source.head(leaf.key)
      const said = `leaf ${scanned.index} of the log, of kind ${leaf.kind}, says that it was stored`
      return stands === null
        ? logFinding('tampered', 'gone', leaf.key, `${said}, and it is not there`)
        : logFinding(
            'tampered',
            'replaced',
            leaf.key,
            `${said} with SHA-256 ${leaf.sha256}, and other bytes stand there`,
          )
    },
  }
}
export type Witness = ReturnType<typeof createWitness>
