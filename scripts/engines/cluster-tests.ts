import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const importLine = /^import .{1,200} from '(#test\/|(\.\.?\/){1,8}(test\/)?)helpers\/cluster\.ts'$/m

/** Test files that need the engines, as paths from the root: whoever asks for them does it by test/helpers/cluster.ts. */
export const clusterTests = (root: string): string[] =>
  globSync('test/**/*.test.ts', { cwd: root })
    .filter((file) => importLine.test(readFileSync(join(root, file), 'utf8')))
    .sort()
