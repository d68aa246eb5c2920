import { join } from 'node:path'
import type { FolderReader } from './folder-listing.ts'
import { latestOf } from './retention-marks.ts'

/** A folder of keys `<path>/…` can be skipped when all of them lie outside the prefix, or none lies after `after`. */
const mayHold = (path: string, prefix: string, after: string): boolean => {
  const inside = `${path}/`
  const inPrefix = inside.startsWith(prefix) || prefix.startsWith(inside)
  return inPrefix && (inside > after || after.startsWith(inside))
}

type Walk = { root: string; readFolder: FolderReader; prefix: string; after: string }

/** Keys under `path` in key order, with their retention; reads only the folders that it must, as it gets to them. */
export async function* walkKeys(
  path: string,
  walk: Walk,
): AsyncGenerator<{ key: string; retainUntil: Date | null }, void, void> {
  const { entries, marks } = await walk.readFolder(join(walk.root, path))
  for (const { name, isFolder } of entries) {
    const key = `${path}/${name}`
    if (isFolder) {
      if (mayHold(key, walk.prefix, walk.after)) yield* walkKeys(key, walk)
    } else if (key > walk.after && key.startsWith(walk.prefix)) {
      yield { key, retainUntil: latestOf(marks.get(name) ?? []) }
    }
  }
}
