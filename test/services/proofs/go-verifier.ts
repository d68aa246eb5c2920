import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type Teardown, temporaryFolder } from '#test/helpers/temporary-folder.ts'

const run = promisify(execFile)
const source = fileURLToPath(new URL('./go', import.meta.url))

/** Go's verifier of logs: resolves to what it printed, rejects with what it found wrong. */
export type GoVerifier = (args: string[]) => Promise<unknown>

/** Built from source by this machine's Go; its one dependency comes from the module cache or the module proxy. */
export const buildGoVerifier = async (t: Teardown): Promise<GoVerifier> => {
  const program = join(await temporaryFolder(t), 'logverifier')
  await run('go', ['build', '-mod=readonly', '-o', program, '.'], { cwd: source })
  return async (args) => {
    const { stdout } = await run(program, args, { maxBuffer: 64 * 1024 * 1024 })
    return JSON.parse(stdout)
  }
}
