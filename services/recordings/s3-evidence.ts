import type { Logger } from '../log.ts'
import { createBounded } from './s3-bounded.ts'
import type { S3Connection } from './s3-connection.ts'
import { lockOf, retentionOf } from './s3-head.ts'
import { isLocked, type Lock } from './s3-object-lock.ts'
import { type KeyVersions, type Version, versionsOf } from './s3-versions.ts'

export type Tampering = { key: string; detail: string }

const maxKnown = 10_000
const knownMs = 60_000

const describe = ({ versions, deleteMarkers }: KeyVersions): string =>
  `${versions} versions and ${deleteMarkers} delete markers where one version belongs; the oldest locked one is the evidence`

export type Evidence = {
  /** The version of this key that is evidence; null when there is none. Remembered for a minute: it cannot change while it is locked. */
  locate(key: string): Promise<Version | null>
  /** The same, for versions that were just listed. */
  choose(group: KeyVersions): Promise<Version | null>
  /** Reports what is read and not locked. `shown`: what the answer to the read said of the lock. */
  checkLock(key: string, versionId: string, shown: Lock): Promise<void>
  forget(key: string): void
}

/**
 * Which version of a key is evidence: the oldest one that is locked. Whoever may write to the bucket can put newer
 * versions and delete markers over it, but can neither change it nor come before it. Everything else under the key is
 * reported, once per key.
 */
export const createEvidence = (
  connection: S3Connection,
  log: Logger,
  onTampering: (tampering: Tampering) => void,
): Evidence => {
  const known = createBounded<Version & { sinceMs: number }>(maxKnown)
  const lockedVersions = createBounded<string>(maxKnown)
  const reported = createBounded<true>(maxKnown)

  const report = (key: string, detail: string): void => {
    if (reported.get(key)) return
    reported.set(key, true)
    log.warn({ key, detail }, 'evidence in the store is not as it was put')
    onTampering({ key, detail })
  }
  const oldestLocked = async ({ key, oldest }: KeyVersions): Promise<Version | null> => {
    for (const version of oldest) {
      if (isLocked(await retentionOf(connection, key, version.versionId))) return version
    }
    return oldest[0] ?? null
  }
  const choose = async (group: KeyVersions): Promise<Version | null> => {
    const alone = group.versions === 1 && group.deleteMarkers === 0
    if (!alone) report(group.key, describe(group))
    const chosen = alone ? group.oldest[0]! : await oldestLocked(group)
    if (chosen) known.set(group.key, { ...chosen, sinceMs: performance.now() })
    return chosen
  }
  return {
    choose,
    locate: async (key) => {
      const version = known.get(key)
      if (version && performance.now() - version.sinceMs < knownMs) return version
      const group = await versionsOf(connection, key)
      return group && choose(group)
    },
    checkLock: async (key, versionId, shown) => {
      if (lockedVersions.get(key) === versionId) return
      if (isLocked(await lockOf(connection, key, versionId, shown))) lockedVersions.set(key, versionId)
      else report(key, 'it is not locked in COMPLIANCE mode')
    },
    forget: known.delete,
  }
}
