import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'

/** A folder of this test's own, removed afterwards. */
export const temporaryFolder = async (t: ExecutionContext<unknown>): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'bartizan-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  return folder
}
