import { foldersOfPrefix, isKey } from './recording-key.ts'
import type { StoredObject } from './recording-store.ts'
import type { S3Connection } from './s3-connection.ts'
import { type KeyVersions, walkVersions } from './s3-versions.ts'

const describedAtOnce = 16

type Page = { prefix: string; after: string; limit: number }

/** A page of keys that have evidence, each as `describe` says; a lock is told by no listing, so each key is one request. */
export const listEvidence = async (
  connection: S3Connection,
  { prefix, after, limit }: Page,
  describe: (group: KeyVersions) => Promise<StoredObject | null>,
): Promise<StoredObject[]> => {
  const found: StoredObject[] = []
  if (!(limit >= 1)) return found
  let waiting: KeyVersions[] = []
  const flush = async (): Promise<void> => {
    found.push(...(await Promise.all(waiting.map(describe))).filter((object) => object !== null))
    waiting = []
  }
  for (const folder of foldersOfPrefix(prefix)) {
    const root = `${folder}/`
    if (after > root && !after.startsWith(root)) continue // all of it lies before
    const walk = { prefix: root.startsWith(prefix) ? root : prefix, after, pageKeys: limit + 1 }
    for await (const group of walkVersions(connection, walk)) {
      if (!isKey(group.key)) continue
      waiting.push(group)
      if (waiting.length >= Math.min(describedAtOnce, limit - found.length)) await flush()
      if (found.length >= limit) return found
    }
  }
  await flush()
  return found
}
