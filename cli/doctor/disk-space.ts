import { statfs } from 'node:fs/promises'
import type { Finding } from '#services/finding.ts'
import { type Check, fine, notChecked, wrong } from './check.ts'
import { existing } from './data-folder.ts'

const leastShare = 0.05

export type Space = { bsize: number; blocks: number; bavail: number; files: number; ffree: number }

const MiB = 1024 * 1024
const percent = (part: number, whole: number): string => `${((100 * part) / whole).toFixed(1)} %`

/** `wantedBytes`: what this process may come to need. */
export const judgeSpace = (folder: string, space: Space, wantedBytes: number): Finding[] => {
  if (space.blocks === 0) return [notChecked('disk bytes', `the file system of ${folder} tells no size`)]
  const freeBytes = space.bavail * space.bsize
  const bytesText = `${Math.floor(freeBytes / MiB)} MiB free (${percent(space.bavail, space.blocks)}) where ${folder} is`
  const needed = Math.max(wantedBytes, leastShare * space.blocks * space.bsize)
  const bytes =
    freeBytes >= needed
      ? fine('disk bytes', bytesText)
      : wrong(
          'disk bytes',
          `${bytesText}, and ${Math.ceil(needed / MiB)} MiB are wanted`,
          'free space or enlarge the disk; on a bastion a full disk ends sessions (agent.spool)',
        )
  // btrfs and others have no fixed number of inodes and say 0.
  if (space.files === 0) return [bytes, notChecked('disk inodes', 'this file system has no limit of them')]
  const inodesText = `${space.ffree} free (${percent(space.ffree, space.files)})`
  const enough = space.ffree >= leastShare * space.files
  return [
    bytes,
    enough
      ? fine('disk inodes', inodesText)
      : wrong(
          'disk inodes',
          inodesText,
          'remove small files of others on this disk, or make a file system with more inodes (mkfs.ext4 -i)',
        ),
  ]
}

export const diskSpace: Check = {
  name: 'disk bytes',
  run: async ({ config }) => {
    const folder = await existing(config.data)
    // On a cluster only agents keep something on this disk.
    const wantedBytes = config.backend === 'embedded' ? config.agent.spool.maxBytes : 0
    return judgeSpace(folder, await statfs(folder), wantedBytes)
  },
}
