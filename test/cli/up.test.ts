import { execFileSync } from 'node:child_process'
import { stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { smallDisk } from '#test/helpers/mounted-folder.ts'
import { realTest } from '#test/helpers/real.ts'
import { bartizan, endpointsOf, isAlive, startProduct, untilSealed } from '#test/helpers/running.ts'
import { connectSudoClient, loginInfos } from '#test/helpers/sudo-client.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { until } from '#test/helpers/until.ts'

const quiet = { BARTIZAN_HTTP_PORT: '0', BARTIZAN_SUDO_PORT: '0', BARTIZAN_LOG_LEVEL: 'error' }
const refused = async (t: ExecutionContext, env: NodeJS.ProcessEnv, pattern: RegExp, code: number) => {
  const run = bartizan(['up'], { ...quiet, ...env })
  t.is(await run.exited, code, run.output())
  t.regex(run.output(), pattern)
  t.notRegex(run.output(), /\n\s+at /, 'a stack is no message for a person')
}

test('up says where the console is, answers health checks, and SIGTERM ends it and its agent with exit code 0', async (t) => {
  const product = await startProduct(t)
  const { endpoints } = product
  await until(() => product.output().includes('Ctrl-C'), { what: 'the message is printed' })
  t.regex(product.output(), new RegExp(`http://127\\.0\\.0\\.1:${endpoints.httpPort}/sign-in#\\S{20,}`))
  t.regex(product.output(), /ssh -L/)
  t.is((await product.raw('/readyz')).status, 200)
  t.true(isAlive(endpoints.agentPid))
  t.is(await product.stop(), 0, product.output())
  t.false(isAlive(endpoints.agentPid))
  t.is(await endpointsOf(product.data), null)
})

test('SIGTERM with a session open: its user is told, the recording is sealed, and the exit code is 0', async (t) => {
  const env = { BARTIZAN_AGENT_DRAIN_MS: '500' }
  const first = await startProduct(t, { env })
  const client = await connectSudoClient(first.endpoints.sudoPort)
  client.accept(loginInfos())
  const id = await client.logId()
  client.io('ttyoutBuf', 'kept to the end')
  const stopped = first.stop()
  await until(() => client.heard.aborts.length > 0, { what: 'the text for the user' })
  client.vanish()
  t.is(await stopped, 0, first.output())
  const second = await startProduct(t, { data: first.data, env })
  await untilSealed(second, id)
  t.regex(await (await second.raw(`/api/sessions/${id}/export?format=txt`)).text(), /kept to the end/)
})

test('a second start on the same data folder is refused and names the first', async (t) => {
  const product = await startProduct(t)
  await refused(t, { BARTIZAN_DATA: product.data }, new RegExp(`${product.endpoints.pid}`), 1)
  t.is((await product.raw('/readyz')).status, 200)
})

test('an agent that is killed is started again, and the endpoints name the new one', async (t) => {
  const product = await startProduct(t)
  process.kill(product.endpoints.agentPid, 'SIGKILL')
  await until(async () => (await endpointsOf(product.data))?.agentPid !== product.endpoints.agentPid, {
    limitMs: 30_000,
  })
  t.true(isAlive((await endpointsOf(product.data))!.agentPid))
})

test('when up is killed the agent lives on, and a new up adopts it', async (t) => {
  const first = await startProduct(t)
  first.child.kill('SIGKILL')
  await first.exited
  t.true(isAlive(first.endpoints.agentPid))
  const second = await startProduct(t, { data: first.data })
  t.is(second.endpoints.agentPid, first.endpoints.agentPid)
  t.is(second.endpoints.sudoPort, first.endpoints.sudoPort)
})

test('an unknown key in the configuration is named', async (t) => {
  const folder = await temporaryFolder(t)
  await writeFile(join(folder, 'b.yaml'), 'http:\n  prot: 1\n')
  const env = { BARTIZAN_DATA: join(folder, 'd'), BARTIZAN_CONFIG: join(folder, 'b.yaml') }
  await refused(t, env, /prot/, 2)
  await refused(t, { BARTIZAN_DATA: join(folder, 'd'), BARTIZAN_HTTP_PROT: '1' }, /BARTIZAN_HTTP_PROT/, 2)
})

test('a port in use is named, with what to do', async (t) => {
  const data = await temporaryFolder(t)
  const server = createServer().listen(0, '127.0.0.1')
  t.teardown(() => server.close())
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as { port: number }
  await refused(t, { BARTIZAN_DATA: data, BARTIZAN_HTTP_PORT: String(port) }, /BARTIZAN_HTTP_PORT/, 1)
  await refused(t, { BARTIZAN_DATA: data, BARTIZAN_SUDO_PORT: String(port) }, new RegExp(`${port}`), 1)
})

test('a data folder that cannot be written is named', async (t) => {
  await refused(t, { BARTIZAN_DATA: '/proc/bartizan' }, /\/proc\/bartizan cannot be written/, 1)
})

realTest(test, ['root', 'mkfs.ext4', 'mount'], 'a full disk is named at the start', async (t) => {
  const disk = await smallDisk(t, 4 * 1024 * 1024)
  execFileSync('sh', ['-c', `dd if=/dev/zero of=${join(disk, 'filler')} bs=4k 2>/dev/null; true`])
  await refused(t, { BARTIZAN_DATA: disk }, /full|No space|space left/i, 1)
})

test('the data folder and the secrets in it are for their owner alone', async (t) => {
  const product = await startProduct(t, { data: join(await temporaryFolder(t), 'data') })
  for (const file of ['owner.token', 'agent/token', 'agent/identity.key', 'keys/master.key']) {
    t.is((await stat(join(product.data, file))).mode & 0o077, 0, file)
  }
  t.is((await stat(product.data)).mode & 0o077, 0)
})

test('tokens and sign-in links come from the command line', async (t) => {
  const product = await startProduct(t)
  const env = { BARTIZAN_DATA: product.data }
  const create = bartizan(['token', 'create', '--role', 'analyst', '--name', 'dana'], env)
  t.is(await create.exited, 0, create.output())
  const headers = { authorization: `Bearer ${create.output().trim()}` }
  t.is((await product.raw('/api/sessions', { headers })).status, 200)
  t.is((await product.raw('/api/tokens', { headers })).status, 403)

  const login = bartizan(['login', '--json'], env)
  t.is(await login.exited, 0, login.output())
  const { url } = JSON.parse(login.output()) as { url: string }
  const signIn = () =>
    product.raw('/api/sign-in', {
      method: 'POST',
      body: JSON.stringify({ code: url.split('#')[1] }),
      headers: { authorization: '' },
    })
  t.is((await signIn()).status, 200)
  t.is((await signIn()).status, 401)
})
