import { DeleteObjectCommand } from '@aws-sdk/client-s3'
import type { Clock } from '../clock.ts'
import type { Config } from '../config.ts'
import type { DisposalStore, StoredVersion } from './disposal-store.ts'
import { checkKey, foldersOfPrefix, isKey } from './recording-key.ts'
import { connectToEvidence } from './s3-bucket.ts'
import type { S3Connection } from './s3-connection.ts'
import { inOurWords, isAbsent } from './s3-errors.ts'
import { retentionOf } from './s3-head.ts'
import { isVersionHeld } from './s3-hold-store.ts'
import { isLocked } from './s3-object-lock.ts'
import { type AnyVersion, everyVersion } from './s3-versions.ts'

const describedAtOnce = 16
const cutMs = 1_000 // the store tells its time in whole seconds

type PastMs = () => Promise<number>

/** The hold is asked for only where the date has passed: most versions cost one request. */
const describe = async (connection: S3Connection, version: AnyVersion, pastMs: PastMs): Promise<StoredVersion> => {
  const { key, versionId, isMarker, sizeBytes } = version
  if (isMarker) return { key, versionId, sizeBytes, isMarker, retainedUntil: null, isHeld: false }
  const lock = await retentionOf(connection, key, versionId)
  // Whatever date somebody gave it counts, also in another mode.
  const retainedUntil = lock.ObjectLockRetainUntilDate ?? (isLocked(lock) ? new Date(8.64e15) : null)
  const isPast = (retainedUntil?.getTime() ?? 0) <= (await pastMs())
  const isHeld = isPast && (await isVersionHeld(connection, version))
  return { key, versionId, sizeBytes, isMarker, retainedUntil, isHeld }
}

const openStore = (connection: S3Connection, clock: Clock): DisposalStore => {
  const { client, bucket: Bucket, storeClock } = connection
  const surelyPastMs = async (): Promise<number> => {
    await storeClock.check()
    return clock.now() - cutMs - Math.max(0, storeClock.skewMs() ?? 0)
  }
  const describeGroup = (group: AnyVersion[]): Promise<StoredVersion[]> =>
    Promise.all(group.map((version) => describe(connection, version, surelyPastMs)))

  async function* walk(prefix: string): AsyncGenerator<StoredVersion[], void, void> {
    const waiting: AnyVersion[][] = []
    const flush = () => Promise.all(waiting.splice(0).map(describeGroup))
    for (const folder of foldersOfPrefix(prefix)) {
      const root = `${folder}/`
      for await (const group of everyVersion(connection, { prefix: root.startsWith(prefix) ? root : prefix })) {
        if (isKey(group[0]!.key)) waiting.push(group)
        if (waiting.length >= describedAtOnce) yield* await flush()
      }
    }
    yield* await flush()
  }
  return {
    surelyPastMs: () => inOurWords("the evidence store's clock", surelyPastMs),
    versions: async function* (prefix) {
      const groups = walk(prefix)
      while (true) {
        const { done, value } = await inOurWords(`listing ${prefix}`, () => groups.next())
        if (done) return
        yield value
      }
    },
    look: (key) =>
      inOurWords(`looking at ${key}`, async () => {
        checkKey(key)
        for await (const group of everyVersion(connection, { prefix: key }))
          return group[0]!.key === key ? describeGroup(group) : [] // others with this prefix sort after it
        return []
      }),
    remove: ({ key: Key, versionId }) =>
      inOurWords(`disposing of ${Key}`, async () => {
        checkKey(Key)
        // Without a version a marker would be put instead.
        if (versionId === null) throw new RangeError(`${Key}: no version`)
        await client.send(new DeleteObjectCommand({ Bucket, Key, VersionId: versionId })).catch((error: unknown) => {
          if (!isAbsent(error)) throw error
        })
      }),
    close: async () => client.destroy(),
  }
}

/**
 * Evidence in an Object Lock bucket, with the credentials of the disposer. The store itself refuses what is locked or held.
 * @throws BTZ_RECORDING_UNLOCKED BTZ_RECORDINGS_MISCONFIGURED BTZ_CONFIG_INVALID BTZ_UNAVAILABLE
 */
export const createS3DisposalStore = async (config: Config['s3'], clock: Clock): Promise<DisposalStore> => {
  return openStore(await connectToEvidence(config, clock), clock)
}
