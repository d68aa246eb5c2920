// Generates TypeScript from the .proto files. `buf` runs through npm exec: at 128 MB it is no dependency.
import { execFileSync } from 'node:child_process'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
execFileSync('npm', ['exec', '--yes', '--loglevel=error', '--package=@bufbuild/buf@1.75.0', '--', 'buf', 'generate'], {
  cwd: root,
  stdio: 'inherit',
})
