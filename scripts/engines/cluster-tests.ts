import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const importLine =
  /^import \{[^}]{0,200}\b(onServices|services)\b[^}]{0,200}\} from '(#test\/|(\.\.?\/){1,8}(test\/)?)helpers\/cluster\.ts'$/m

/** Test files that need the engines, as paths from the root: they ask test/helpers/cluster.ts for them. */
export const clusterTests = (root: string): string[] =>
  globSync('test/**/*.test.ts', { cwd: root })
    .filter((file) => importLine.test(readFileSync(join(root, file), 'utf8')))
    .sort()
