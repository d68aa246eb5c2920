import { readdir, stat } from 'node:fs/promises'
import { systemCode } from '../disk-error.ts'
import { isSegment } from './recording-key.ts'
import { parseMark } from './retention-marks.ts'

/** One folder of evidence, in key order: a folder sorts as its name with `/`, since that is how its keys go on. */
export type FolderListing = { entries: { name: string; isFolder: boolean }[]; marks: Map<string, number[]> }

const largeFolder = 2_000
const settledMs = 1_000

const sortName = (entry: FolderListing['entries'][number]) => (entry.isFolder ? `${entry.name}/` : entry.name)
const byKey = (a: FolderListing['entries'][number], b: FolderListing['entries'][number]) =>
  sortName(a) < sortName(b) ? -1 : 1

const readListing = async (folder: string): Promise<FolderListing> => {
  const listing: FolderListing = { entries: [], marks: new Map() }
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const mark = parseMark(entry.name)
    if (mark) listing.marks.set(mark.name, [...(listing.marks.get(mark.name) ?? []), mark.untilMs])
    else if (isSegment(entry.name) && (entry.isFile() || entry.isDirectory())) {
      listing.entries.push({ name: entry.name, isFolder: entry.isDirectory() })
    }
  }
  listing.entries.sort(byKey)
  return listing
}

const mtimeOf = async (folder: string) => (await stat(folder, { bigint: true })).mtimeNs

/**
 * Reads folders; the last large one is kept while its mtime stands, so that paging through it costs one readdir.
 * A folder changed within the last second is not kept: the mtime is too coarse to tell a second change from the first.
 */
export const createFolderReader = () => {
  let kept: { folder: string; mtimeNs: bigint; listing: FolderListing } | null = null
  const read = async (folder: string): Promise<FolderListing> => {
    const mtimeNs = await mtimeOf(folder)
    if (kept?.folder === folder && kept.mtimeNs === mtimeNs) return kept.listing
    const readAtMs = Date.now()
    const listing = await readListing(folder)
    const settled = Number(mtimeNs / 1_000_000n) < readAtMs - settledMs
    if (listing.entries.length >= largeFolder && settled) kept = { folder, mtimeNs, listing }
    return listing
  }
  /** A folder that does not exist is empty. */
  return async (folder: string): Promise<FolderListing> => {
    try {
      return await read(folder)
    } catch (error) {
      if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ENOTDIR') return { entries: [], marks: new Map() }
      throw error
    }
  }
}
export type FolderReader = ReturnType<typeof createFolderReader>
