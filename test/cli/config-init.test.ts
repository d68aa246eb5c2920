import { readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { bartizan } from '#test/helpers/running.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'

const init = async (out: string) => {
  const run = bartizan(['config', '--init', '--out', out])
  return { code: await run.exited, output: run.output() }
}
const made = async (t: ExecutionContext) => {
  const folder = await temporaryFolder(t)
  const { code, output } = await init(join(folder, '.env'))
  t.is(code, 0, output)
  const names = await readdir(join(folder, 'secrets'))
  const contents = await Promise.all(names.map((name) => readFile(join(folder, 'secrets', name), 'utf8')))
  return { folder, output, secrets: new Map(names.map((name, at) => [name, contents[at]!])) }
}
const passwords = (secrets: Map<string, string>) => [...secrets].filter(([name]) => !name.endsWith('-users'))

test('.env is for its owner alone, and so is the folder of the secrets', async (t) => {
  const { folder } = await made(t)
  t.is((await stat(join(folder, '.env'))).mode & 0o777, 0o600)
  t.is((await stat(join(folder, 'secrets'))).mode & 0o777, 0o700)
})

test('secrets can be read by the users of containers, which have other numbers than the owner', async (t) => {
  const { folder, secrets } = await made(t)
  for (const name of secrets.keys()) t.is((await stat(join(folder, 'secrets', name))).mode & 0o777, 0o444, name)
})

test('every secret has 256 random bits of its own', async (t) => {
  const [one, two] = [await made(t), await made(t)]
  const all = [...passwords(one.secrets), ...passwords(two.secrets)].map(([, secret]) => secret)
  t.is(all.length, 36)
  t.is(new Set(all).size, all.length)
  for (const secret of all) t.regex(secret, /^[0-9a-f]{64}$/)
})

test('what is printed says what to do next, and holds no secret', async (t) => {
  const { output, secrets } = await made(t)
  t.regex(output, /docker compose up/)
  for (const [, secret] of passwords(secrets)) t.false(output.includes(secret))
})

test('what is there is never overwritten: not the file, not the secrets, not what a link points to', async (t) => {
  const { folder, secrets } = await made(t)
  const env = await readFile(join(folder, '.env'), 'utf8')
  const again = await init(join(folder, '.env'))
  t.is(again.code, 1)
  t.regex(again.output, /is there already; nothing was changed/)
  t.is(await readFile(join(folder, '.env'), 'utf8'), env)
  t.is(await readFile(join(folder, 'secrets', 's3-admin'), 'utf8'), secrets.get('s3-admin')!)

  const other = await temporaryFolder(t)
  await writeFile(join(other, 'target'), 'kept')
  await symlink(join(other, 'target'), join(other, 'one.env'))
  await symlink(join(other, 'nowhere'), join(other, 'two.env'))
  for (const name of ['one.env', 'two.env']) {
    const { code, output } = await init(join(other, name))
    t.is(code, 1, name)
    t.regex(output, /is there already/)
  }
  t.is(await readFile(join(other, 'target'), 'utf8'), 'kept')
})

test('a folder that is not there and a path that .env cannot hold are named, without a stack', async (t) => {
  const folder = await temporaryFolder(t)
  const absent = await init(join(folder, 'absent', '.env'))
  t.is(absent.code, 1)
  t.regex(absent.output, /^bartizan: .*absent does not exist/)
  const odd = await init(join(folder, "it's.env"))
  t.is(odd.code, 2)
  t.regex(odd.output, /cannot be written into a \.env file/)
  t.deepEqual(await readdir(folder), [])
})

test('--init and --print together are wrong usage', async (t) => {
  const run = bartizan(['config', '--init', '--print'])
  t.is(await run.exited, 2, run.output())
})
