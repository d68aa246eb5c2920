import { HeadObjectCommand, type HeadObjectCommandOutput } from '@aws-sdk/client-s3'
import type { Logger } from '../log.ts'
import type { S3Connection } from './s3-connection.ts'
import { type KeyVersions, type Version, versionsOf } from './s3-versions.ts'

export type Tampering = { key: string; detail: string }

const maxKnown = 10_000
const knownMs = 60_000

/** A map of at most `maxKnown` entries; the oldest goes first. */
const createBounded = <T>() => {
  const entries = new Map<string, T>()
  return {
    get: (key: string): T | undefined => entries.get(key),
    set: (key: string, value: T): void => {
      entries.delete(key)
      entries.set(key, value)
      if (entries.size > maxKnown) entries.delete(entries.keys().next().value!)
    },
    delete: (key: string): void => void entries.delete(key),
  }
}

const isLocked = (head: { ObjectLockMode?: string | undefined }): boolean => head.ObjectLockMode === 'COMPLIANCE'

const describe = ({ versions, deleteMarkers }: KeyVersions): string =>
  `${versions} versions and ${deleteMarkers} delete markers where one version belongs; the oldest locked one is the evidence`

export type Evidence = {
  /** The version of this key that is evidence; null when there is none. From memory for a minute: it cannot change while it is locked. */
  locate(key: string): Promise<Version | null>
  /** The same, for versions that were just listed. */
  choose(group: KeyVersions): Promise<Version | null>
  head(key: string, versionId: string): Promise<HeadObjectCommandOutput>
  /** Looks at the lock of what was read. */
  sawLock(key: string, lock: { ObjectLockMode?: string | undefined }): void
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
  const known = createBounded<Version & { sinceMs: number }>()
  const reported = createBounded<true>()

  const report = (key: string, detail: string): void => {
    if (reported.get(key)) return
    reported.set(key, true)
    log.warn({ key, detail }, 'evidence in the store is not as it was put')
    onTampering({ key, detail })
  }
  const head = (key: string, versionId: string) =>
    connection.client.send(
      new HeadObjectCommand({ Bucket: connection.bucket, Key: key, VersionId: versionId, ChecksumMode: 'ENABLED' }),
    )
  const oldestLocked = async ({ key, oldest }: KeyVersions): Promise<Version | null> => {
    for (const version of oldest) if (isLocked(await head(key, version.versionId))) return version
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
    head,
    locate: async (key) => {
      const version = known.get(key)
      if (version && performance.now() - version.sinceMs < knownMs) return version
      const group = await versionsOf(connection, key)
      return group && choose(group)
    },
    sawLock: (key, lock) => {
      if (!isLocked(lock)) report(key, 'it is not locked in COMPLIANCE mode')
    },
    forget: known.delete,
  }
}
