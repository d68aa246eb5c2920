import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { access, appendFile, copyFile, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test, { type ExecutionContext } from 'ava'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { until } from '#test/helpers/until.ts'
import { configOf, eventsOf, openCore, silent } from '#test/hooks/agent/core.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const page = await readFile(join(root, 'docs/writing-a-hook.md'), 'utf8')
const limitMs = 30_000

/** The files of the page, in a folder from which the product's own can be imported. */
const writtenOut = async (t: ExecutionContext): Promise<string> => {
  const folder = await temporaryFolder(t)
  for (const name of ['hooks', 'services', 'node_modules']) await symlink(join(root, name), join(folder, name))
  await copyFile(join(root, 'package.json'), join(folder, 'package.json'))
  const blocks = [...page.matchAll(/^```ts (\S+)\n([\s\S]*?)^```$/gm)]
  t.deepEqual(
    blocks.map(([, name]) => name),
    ['parser.ts', 'hook.ts'],
  )
  for (const [, name, code] of blocks) await writeFile(join(folder, name!), code!)
  return folder
}

type Example = {
  startVpnHook(options: Record<string, unknown>): Promise<{ close(): Promise<void> }>
}

test('the example of the page records logins, tells what it could not read, and goes on after a restart', async (t) => {
  const folder = await writtenOut(t)
  const { startVpnHook } = (await import(join(folder, 'hook.ts'))) as Example
  const core = await openCore(t, configOf(join(folder, 'data')))
  const logFile = join(folder, 'vpn.log')
  const start = () =>
    startVpnHook({
      config: { logFile, listen: [], journal: false },
      folder: join(folder, 'places'),
      recorder: core.recorder,
      hasRoom: () => true,
      log: silent,
    })
  const first = await start()
  const refused = '2026-11-21T09:00:00Z refused bob from 192.0.2.8\n'
  await appendFile(logFile, `2026-11-21T09:00:00Z accepted alice from 192.0.2.7\nwho knows\n${refused}${refused}`)
  await until(async () => (await eventsOf(core)).length === 4, { limitMs })
  await first.close()
  await appendFile(logFile, refused)
  const second = await start()
  await until(async () => (await eventsOf(core)).length === 5, { limitMs })
  await second.close()
  const events = await eventsOf(core)
  t.like(
    events.find(({ kind }) => kind === 'login'),
    { user: 'alice', sourceIp: '192.0.2.7', source: 'vpn', bastion: 'bastion-1' },
  )
  t.is(events.filter(({ kind }) => kind === 'login_failed').length, 3)
  t.is(new Set(events.map(({ id }) => id)).size, 5)
  t.is(events.find(({ kind }) => kind === 'recorder_health')?.detail, 'VPN log: 1 not taken: not a line of the VPN')
})

test('the example of the page has the types it says', async (t) => {
  const folder = await writtenOut(t)
  const compilerOptions = { ...JSON.parse(await readFile(join(root, 'tsconfig.json'), 'utf8')).compilerOptions }
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['hook.ts'] }))
  const child = spawn(join(root, 'node_modules/.bin/tsc'), ['-p', folder], { stdio: ['ignore', 'pipe', 'inherit'] })
  let said = ''
  child.stdout.on('data', (data: Buffer) => {
    said += data.toString()
  })
  const [code] = await once(child, 'close')
  t.is(code, 0, said)
})

test('the files that the page names are there', async (t) => {
  const named = [...page.matchAll(/`((?:hooks|cli|services|test)\/[a-z/.-]*[a-z/])`/g)].map(([, path]) => path!)
  t.true(named.length > 8)
  for (const path of named) await t.notThrowsAsync(access(join(root, path)), path)
})
