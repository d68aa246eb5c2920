import { readFile } from 'node:fs/promises'
import test from 'ava'
import { checks } from '#hooks/posture/checks.ts'

const manual = new URL('../../../docs/operations/posture.md', import.meta.url)

test('the manual’s table says of every check what the program says', async (t) => {
  const rows = (await readFile(manual, 'utf8')).split('\n').filter((line) => line.startsWith('| `'))
  t.deepEqual(
    rows,
    checks.map(({ id, about, fix }) => `| \`${id}\` | ${about} | ${fix} |`),
  )
  t.is(new Set(checks.map(({ id }) => id)).size, checks.length)
})
