import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** What AVA's `t` has in tests, but not in hooks. */
export type Teardown = { teardown(run: () => unknown): void }

/** A folder of this test's own, removed afterwards. */
export const temporaryFolder = async (t: Teardown): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'bartizan-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  return folder
}
