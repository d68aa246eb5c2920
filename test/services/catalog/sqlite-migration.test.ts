import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import test, { type ExecutionContext } from 'ava'
import type { Catalog } from '#services/catalog/catalog.ts'
import { migrations } from '#services/catalog/migrations.ts'
import { searchKinds } from '#services/schema/search-query.ts'
import { parseQuery } from '#services/search/parse-query.ts'
import { wordsQuery } from '#services/search/words-query.ts'
import { command, epochMs, event, sessionRow, update } from '#test/contract/catalog-place.ts'
import { canSearch, openSqliteCatalog, untilSearched } from '#test/helpers/open-sqlite-catalog.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { until } from '#test/helpers/until.ts'

const fixtureOf = (schema: number) => new URL(`../../fixtures/catalog/schema-${schema}.db.gz`, import.meta.url)
const taken = async (t: ExecutionContext, schema: number): Promise<Catalog> => {
  const file = join(await temporaryFolder(t), 'catalog.db')
  await writeFile(file, gunzipSync(await readFile(fixtureOf(schema))), { mode: 0o600 })
  return opened(t, file)
}
const childFile = fileURLToPath(new URL('../../helpers/catalog-child.ts', import.meta.url))

const opened = async (t: ExecutionContext, file: string): Promise<Catalog> => {
  const catalog = await openSqliteCatalog({ file })
  t.teardown(() => catalog.close())
  return catalog
}

const linesFound = async (catalog: Catalog, text: string): Promise<string[]> => {
  const { items, total } = await catalog.search({ query: wordsQuery(text), in: ['commands'], limit: 100 })
  if (total.value <= 100 && total.value !== items.length) throw new Error(`${items.length} of ${total.value}`)
  return items.map(({ snippet }) => snippet)
}

const oldSession = sessionRow(0)
const keyOf = (second: number): bigint => BigInt(epochMs + second * 1_000) << 14n

/** A catalog of schema 1 with one session of so many commands, a second apart. */
const oldCatalog = async (t: ExecutionContext, commands: number): Promise<string> => {
  const file = join(await temporaryFolder(t), 'catalog.db')
  const database = new DatabaseSync(file)
  database.exec(`PRAGMA journal_mode = WAL; BEGIN; ${migrations[0]}; PRAGMA user_version = 1`)
  database
    .prepare(
      `INSERT INTO session (number, id, user, bastion, state, started_at_ms, next_seq, command_count, row, text)
         VALUES (1, ?, 'alice', 'bastion-1', 'open', ?, 1, ?, ?, 'alice bastion-1')`,
    )
    .run(oldSession.id, epochMs, commands, JSON.stringify(oldSession))
  const insert = database.prepare('INSERT INTO command VALUES (?, 1, ?, ?, ?)')
  const index = database.prepare('INSERT INTO command_text (rowid, text) VALUES (?, ?)')
  for (let n = 0; n < commands; n++) {
    const line = `grep old-${n}. /srv/app`
    insert.run(keyOf(n), n, JSON.stringify(command(line, { atMs: n * 1_000 })), line)
    index.run(keyOf(n), line)
  }
  database.exec('COMMIT')
  database.close()
  return file
}

test('a catalog written by the first schema is taken over: its rows are found as they were and by the new rules', async (t) => {
  const catalog = await taken(t, 1)
  await untilSearched(catalog)
  t.deepEqual(await linesFound(catalog, 'shadow'), ['cat /etc/shadow.bak'])
  t.deepEqual(await linesFound(catalog, 'ls'), ['ls -la'])
  t.is((await linesFound(catalog, 'οδοσ istanbul GRÜße 世 😀')).length, 1)
  t.is((await linesFound(catalog, 'οδος')).length, 1)
  const users = async (text: string) =>
    (await catalog.sessions({ query: wordsQuery(text), limit: 10 })).items.map(({ user }) => user)
  t.deepEqual(await users('192.0.2.77 shadow.bak'), ['quentin'])
  t.deepEqual(await users('app-42 db-pri'), ['rose'])
  const { items } = await catalog.events({ text: 'sha256:key/1', limit: 10 })
  t.deepEqual(
    items.map(({ id }) => id),
    ['an-event-1'],
  )
  const [session] = (await catalog.sessions({ user: 'quentin', limit: 10 })).items
  t.like(session, { evidence: 'sealed', commandCount: 3, state: 'open' })
  t.is((await catalog.blocks(session!.id)).length, 1)
  t.is((await catalog.progress(session!.id))?.nextSeq, 3)
})

test('a catalog of the schema before connections: its logins, failures and starts are known as if they came today', async (t) => {
  const catalog = await taken(t, 2)
  await untilSearched(catalog)
  const connectionId = 'c'.repeat(32)
  const { items } = await catalog.sessions({ connectionId, limit: 10 })
  t.deepEqual(
    items.map(({ commandCount, login }) => [commandCount, login?.keyFingerprint, login?.failuresBefore]),
    [[2, 'SHA256:old', 1]],
  )
  const { events } = await catalog.connectionEvents('bastion-1', connectionId)
  t.deepEqual(
    events.map(({ id }) => id),
    ['an-old-login', 'an-old-start'],
  )
  t.is((await catalog.sessions({ limit: 10 })).total.value, 2)
  t.deepEqual(await linesFound(catalog, 'motd'), ['cat /etc/motd'])
})

test('a catalog of the schema before counts: its sessions are counted as if they came today', async (t) => {
  const catalog = await taken(t, 5)
  const counted = async () =>
    (await catalog.coverage({ from: '2026-11-21', to: '2026-11-23', limit: 10 })).items.map(
      ({ date, bastion, counts: { open, complete, missing, tunnel_only } }) => [
        ...[date, bastion, open, complete, missing, tunnel_only],
      ],
    )
  t.deepEqual(await counted(), [
    ['2026-11-23', 'bastion-2', 0, 0, 0, 1],
    ['2026-11-22', 'bastion-2', 0, 1, 0, 0],
    ['2026-11-21', 'bastion-1', 1, 1, 1, 0],
  ])
  await catalog.indexFrames(update(sessionRow(50), [0, 1]))
  t.deepEqual((await counted()).at(-1), ['2026-11-21', 'bastion-1', 2, 1, 1, 0])
})

test('a catalog of the schema before terms of users: what each of them did is found by the user, and nothing else is', async (t) => {
  const catalog = await taken(t, 8)
  await untilSearched(catalog)
  const found = async (q: string) => {
    const query = parseQuery(q, { nowMs: epochMs, tz: 'UTC' })
    const { items } = await catalog.search({ query, in: [...searchKinds], limit: 100 })
    return items.map((hit) => `${hit.in} ${hit.user}`).sort()
  }
  t.deepEqual(await found('user:alice systemctl'), ['commands alice', 'commands alice'])
  t.deepEqual(await found('user:"Bob Ünal" denied'), ['screen Bob Ünal'])
  t.deepEqual(await found('user:"Bob Ünal" openssh'), ['events Bob Ünal'])
  t.deepEqual(await found('user:al* denied'), ['screen alice', 'screen alice'])
  t.deepEqual(await found('user:bob denied'), [])
})

test('commands of a session that turns out to be of another user are found by the new one alone', async (t) => {
  const catalog = await opened(t, join(await temporaryFolder(t), 'catalog.db'))
  const session = sessionRow(0, { user: 'unknown' })
  await catalog.indexFrames({ ...update(session, [0, 1]), commands: [{ number: 0, command: command('cat secret') }] })
  await catalog.indexFrames({
    ...update({ ...session, user: 'rose' }, [1, 2]),
    commands: [{ number: 1, command: command('rm secret', { atMs: 5_000 }) }],
  })
  const found = async (q: string) =>
    (
      await catalog.search({ query: parseQuery(q, { nowMs: epochMs, tz: 'UTC' }), in: ['commands'], limit: 10 })
    ).items.map(({ snippet }) => snippet)
  t.deepEqual(await found('user:rose secret'), ['rm secret', 'cat secret'])
  t.deepEqual(await found('user:unknown secret'), [])
})

test('while the index is made anew lists are read and rows written; text searches say so, and then find each row once', async (t) => {
  const catalog = await opened(t, await oldCatalog(t, 8_000))
  await t.throwsAsync(catalog.search({ query: wordsQuery('grep'), in: ['commands'], limit: 1 }), {
    code: 'BTZ_UNAVAILABLE',
    message: /index is being made anew/,
  })
  await t.throwsAsync(catalog.sessions({ query: wordsQuery('grep'), limit: 1 }), { code: 'BTZ_UNAVAILABLE' })
  t.is((await catalog.commands(oldSession.id, { limit: 10 })).total.value, 8_000)
  const at = (line: string, second: number) => command(line, { atMs: second * 1_000 })
  const changed = [
    { number: 0, command: at('changed first', 0) },
    { number: 5, command: at('moved to the end', 9_000) },
    { number: 7_999, command: at('moved to the start', 1) },
    { number: 7_998, command: at('changed last', 7_998) },
    { number: 8_000, command: at('added late', 10_000) },
    { number: 8_001, command: at('added early', 2) },
  ]
  await catalog.indexFrames({ ...update(oldSession, [1, 2]), commands: changed })
  await catalog.putEvents([event(0)])
  t.false(await canSearch(catalog), 'the rebuild was over before anything was written')
  await untilSearched(catalog)
  for (const { command } of changed) t.deepEqual(await linesFound(catalog, command.line), [command.line])
  for (const gone of [0, 5, 7_998, 7_999]) t.deepEqual(await linesFound(catalog, `old-${gone}.`), [])
  t.deepEqual(await linesFound(catalog, 'old-4000.'), ['grep old-4000. /srv/app'])
  t.is((await catalog.search({ query: wordsQuery('grep'), in: ['commands'], limit: 1 })).total.value, 7_996)
  t.is((await catalog.search({ query: wordsQuery('g'), in: ['commands'], limit: 1 })).total.value, 7_996)
  t.is((await catalog.events({ text: 'alice', limit: 1 })).total.value, 1)
})

/** The lowest key in the index of commands. */
const rebuiltTo = (file: string): bigint | undefined => {
  const database = new DatabaseSync(file)
  const limit = database.prepare("SELECT below FROM text_rebuild WHERE name = 'command_text'")
  limit.setReadBigInts(true)
  const row = limit.get() as { below: bigint } | undefined
  database.close()
  return row?.below
}

test('a process killed -9 while the index is made anew leaves it to the next one to go on', async (t) => {
  const commands = 15_000
  const file = await oldCatalog(t, commands)
  const args = [childFile, '#test/helpers/open-sqlite-catalog.ts', 'openSqliteCatalog', JSON.stringify({ file })]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  t.teardown(() => child.kill('SIGKILL'))
  const closed = once(child, 'close')
  await once(child.stdout, 'data')
  child.stdout.resume()
  const begun = () => {
    const below = rebuiltTo(file)
    return below !== undefined && below < keyOf(commands - 2_000)
  }
  await until(begun, { limitMs: 180_000, everyMs: 2 })
  child.kill('SIGKILL')
  await closed
  const below = rebuiltTo(file)
  t.true(below !== undefined && below > keyOf(0), 'the rebuild was over before the process was killed')
  const catalog = await opened(t, file)
  await untilSearched(catalog)
  t.is(rebuiltTo(file), undefined)
  for (const n of [0, 7_000, commands - 1]) {
    t.deepEqual(await linesFound(catalog, `old-${n}.`), [`grep old-${n}. /srv/app`])
  }
  const database = new DatabaseSync(file)
  const { count } = database
    .prepare("SELECT count(*) AS count FROM command_text WHERE command_text MATCH 'old'")
    .get() as {
    count: number
  }
  database.close()
  t.is(count, commands)
})
