import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { settings } from '#services/config.ts'
import { bartizan } from '#test/helpers/running.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'

const ends = async (args: string[], env?: NodeJS.ProcessEnv) => {
  const run = bartizan(args, env)
  return { code: await run.exited, output: run.output() }
}

test('help names every command, with examples and exit codes', async (t) => {
  const { code, output } = await ends(['--help'])
  t.is(code, 0)
  for (const part of ['up', 'agent', 'login', 'token', 'config', 'Examples:', 'Exit codes:'])
    t.true(output.includes(part), part)
  for (const command of ['up', 'agent', 'login', 'token']) t.is((await ends([command, '--help'])).code, 0, command)
})

test('wrong usage ends with 2 and one clear line', async (t) => {
  for (const args of [['nothing'], ['token', 'create'], ['up', '--wrong'], ['token', 'revoke']]) {
    const { code, output } = await ends(args)
    t.is(code, 2, args.join(' '))
    t.regex(output, /^bartizan: /)
  }
})

test('a command that needs a running instance says that there is none', async (t) => {
  const { code, output } = await ends(['login'], { BARTIZAN_DATA: await temporaryFolder(t) })
  t.is(code, 1)
  t.regex(output, /no Bartizan runs on .*npm start/s)
})

test('the printed configuration is a configuration, and names every setting', async (t) => {
  const folder = await temporaryFolder(t)
  const { output } = await ends(['config', '--print'], { BARTIZAN_DATA: folder })
  for (const { env } of settings()) t.true(output.includes(`· ${env}\n`), env)
  const file = join(folder, 'bartizan.yaml')
  await writeFile(file, output)
  const [printed, read] = [
    await ends(['config', '--json'], { BARTIZAN_DATA: folder }),
    await ends(['--config', file, 'config', '--json']),
  ]
  t.deepEqual(JSON.parse(read.output), JSON.parse(printed.output))
})

test('every setting can come from the environment', async (t) => {
  const { output } = await ends(['config', '--json'], {
    BARTIZAN_DATA: await temporaryFolder(t),
    BARTIZAN_AGENT_SPOOL_MAX_BYTES: '123456789',
    BARTIZAN_SUDO_ALLOWED_UIDS: '0,1000',
  })
  const config = JSON.parse(output)
  t.is(config.agent.spool.maxBytes, 123_456_789)
  t.deepEqual(config.sudo.allowedUids, [0, 1000])
})
