import { readFile } from 'node:fs/promises'
import test from 'ava'
import { fields } from '#services/search/fields.ts'
import { parseQuery } from '#services/search/parse-query.ts'

const page = await readFile(new URL('../../../docs/search.md', import.meta.url), 'utf8')

test('the page on search has the fields as the API tells them', (t) => {
  for (const { name, description, example } of fields)
    t.true(page.includes(`| \`${name}\` | ${description} | \`${example}\` |`), name)
})

test('what the page shows as searches is read', (t) => {
  const shown = /```\n(user:.*)\n```/.exec(page)![1]!
  t.notThrows(() => parseQuery(shown, { nowMs: Date.now(), tz: 'UTC' }))
})
