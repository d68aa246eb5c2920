import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import { clusterTests } from '../../../scripts/engines/cluster-tests.ts'

const root = fileURLToPath(new URL('../../..', import.meta.url))

test('npm run test:cluster runs every test file that asks for the engines', (t) => {
  const asking = globSync('test/**/*.test.ts', { cwd: root }).filter((file) =>
    /^\s*onServices\(/m.test(readFileSync(join(root, file), 'utf8')),
  )
  t.true(asking.length > 0)
  t.deepEqual(clusterTests(root), asking.sort())
})
