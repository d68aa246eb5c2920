import { DatabaseSync } from 'node:sqlite'
import test, { type ExecutionContext } from 'ava'
import { distinctTermsOf } from '#services/catalog/analyzer.ts'
import { migrations } from '#services/catalog/migrations.ts'
import { createSelect } from '#services/catalog/sqlite-select.ts'
import { chosen } from '#services/catalog/sqlite-term-choice.ts'

const rows = 9_000

/** Terms that are asked for of those of a text, in a catalog of these commands. */
const termsChosen = (t: ExecutionContext, textOf: (row: number) => string, asked: string): string[] => {
  const database = new DatabaseSync(':memory:')
  t.teardown(() => database.close())
  for (const migration of migrations) database.exec(migration)
  const command = database.prepare(
    "INSERT INTO command (time_key, session_number, number, row, text) VALUES (?, 1, ?, '{}', '')",
  )
  const text = database.prepare('INSERT INTO command_text (rowid, terms) VALUES (?, ?)')
  database.exec('BEGIN')
  for (let row = 1; row <= rows; row++) {
    command.run(row, row)
    text.run(row, distinctTermsOf(textOf(row)))
  }
  database.exec('COMMIT')
  const trigrams = distinctTermsOf(asked)
    .split(' ')
    .filter((term) => term.length === 3)
  const used = chosen(
    createSelect(database),
    'command',
    trigrams.map((term) => ({ query: `"${term}"` })),
  )
  return used.map(({ query }) => query.slice(1, -1))
}

test('of terms that stand in the same rows one is asked for', (t) => {
  const terms = termsChosen(t, (row) => (row % 10 === 0 ? 'systemctl restart' : 'ls -la'), 'systemctl')
  t.is(terms.length, 1)
})

test('terms that each leave out rows are asked for together, the rarest first', (t) => {
  const textOf = (row: number) => `${row % 20 === 0 ? 'abc ' : ''}${row % 7 === 0 ? 'xyz ' : ''}more`
  t.deepEqual(termsChosen(t, textOf, 'xyz abc'), ['abc', 'xyz'])
})

test('a term that stands in nearly every row is not asked for beside one that tells', (t) => {
  const textOf = (row: number) => `${row % 50 === 0 ? '' : 'mno '}${row % 100 === 7 ? 'qrs' : ''}`
  t.deepEqual(termsChosen(t, textOf, 'mno qrs'), ['qrs'])
})

test('beside terms that the latest rows do not have together, one that stands in all of them is not asked for', (t) => {
  const textOf = (row: number) => `all ${row % 10 === 0 ? 'abc' : row % 10 === 5 ? 'xyz' : ''}`
  t.deepEqual(termsChosen(t, textOf, 'all abc xyz'), ['abc', 'xyz'])
})
