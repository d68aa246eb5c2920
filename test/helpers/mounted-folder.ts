import { execFileSync, spawnSync } from 'node:child_process'
import { mkdir, open } from 'node:fs/promises'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import { temporaryFolder } from './temporary-folder.ts'

/** Mounting needs CAP_SYS_ADMIN, as making a mount namespace does: ask for that before a test that mounts. */
export const canMount = spawnSync('unshare', ['--mount', 'true']).status === 0

/** Lazily: a failed test may still have files open there, and must not leave the mount behind. */
const unmountAfter = (t: ExecutionContext<unknown>, folder: string) =>
  t.teardown(() => {
    execFileSync('umount', ['--lazy', folder])
  })

/** A small ext4 of its own, in a file mounted by a loop device; unmounted and removed after the test. */
export const smallDisk = async (t: ExecutionContext<unknown>, sizeBytes: number): Promise<string> => {
  const base = await temporaryFolder(t)
  const image = join(base, 'image')
  const folder = join(base, 'disk')
  const handle = await open(image, 'w')
  await handle.truncate(sizeBytes)
  await handle.close()
  await mkdir(folder)
  execFileSync('mkfs.ext4', ['-q', '-F', '-m', '0', image])
  execFileSync('mount', ['-o', 'loop', image, folder])
  unmountAfter(t, folder)
  return folder
}

/** Makes what is mounted there read-only until the end of the test. */
export const remountReadOnly = (folder: string): void => {
  execFileSync('mount', ['-o', 'remount,ro', folder])
}
