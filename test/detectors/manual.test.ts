import { readFileSync } from 'node:fs'
import test from 'ava'
import { RuleId } from '#services/schema/alert.ts'
import { pageFile, withSettings } from '../../scripts/detectors-doc.ts'

const page = readFileSync(pageFile, 'utf8')

test('the manual lists every setting of the rules with its default, as the schema has it', (t) => {
  t.is(page, withSettings(page), 'run: node scripts/detectors-doc.ts')
})

test('the manual says what each rule asks', (t) => {
  for (const rule of RuleId.options) t.true(page.includes(`**\`${rule}\`**`), rule)
})
