import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import { realTest } from '#test/helpers/real.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { until } from '#test/helpers/until.ts'
import { startEngine } from '../../../scripts/engines/engine.ts'
import { accepts, startProcess } from '../../../scripts/engines/engine-process.ts'
import { freePorts } from '../../../scripts/engines/free-ports.ts'
import { identify, isRunning } from '../../../scripts/engines/process-identity.ts'

realTest(test, ['setpriv'], 'an engine that ends while it starts is an error with the end of its log', async (t) => {
  const logFile = join(await temporaryFolder(t), 'log')
  await writeFile(logFile, 'of an earlier start\n')
  const launch = { name: 'The engine', command: 'sh', args: ['-c', 'echo no room left; exit 1'], logFile }
  const error = await t.throwsAsync(startProcess({ ...launch, isReady: async () => false }))
  t.true(error.message.startsWith(`The engine ended while it started. The end of ${logFile}:\n`))
  t.true(error.message.endsWith('\nno room left'))
  t.notRegex(error.message, /earlier/)
})

test('a program that is not there is an error with its name', async (t) => {
  const logFile = join(await temporaryFolder(t), 'log')
  const keep = async () => {}
  const launch = { name: 'The engine', command: '/nowhere/engine', args: [], logFile, keep, isReady: async () => true }
  await t.throwsAsync(startProcess(launch), { message: /\/nowhere\/engine/ })
})

realTest(test, ['setpriv'], 'an engine is killed, started again, and stopped', async (t) => {
  const logFile = join(await temporaryFolder(t), 'log')
  const args = ['-c', 'echo ready; exec sleep 60']
  const isReady = async (log: string) => log === 'ready\n' // of this start alone
  const engine = await startEngine({ name: 'The engine', command: 'sh', args, logFile, isReady })
  t.teardown(engine.stop)
  const [first] = engine.processes()
  await t.throwsAsync(engine.restart(), { message: /still runs/ })
  await engine.kill('SIGKILL')
  t.false(await isRunning(first!))
  t.deepEqual(engine.processes(), [])
  await t.throwsAsync(engine.kill('SIGKILL'), { message: /does not run/ })
  await engine.restart()
  const [second] = engine.processes()
  t.true(await isRunning(second!))
  await engine.stop()
  t.false(await isRunning(second!))
  t.is(await readFile(logFile, 'utf8'), 'ready\nready\n')
})

realTest(test, ['setpriv'], 'an engine of a test dies with it, also when that is killed', async (t) => {
  const script = fileURLToPath(new URL('start-alone.ts', import.meta.url))
  const starter = spawn(process.execPath, [script, join(await temporaryFolder(t), 'log')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.teardown(() => starter.kill('SIGKILL'))
  const [said] = (await once(starter.stdout, 'data')) as [Buffer]
  const engine = (await identify(Number(said.toString('utf8'))))!
  t.true(await isRunning(engine))
  starter.kill('SIGKILL')
  await until(async () => !(await isRunning(engine)), { what: 'end of the engine' })
})

test('ports are different and free, and outside of the range of outgoing connections', async (t) => {
  const ports = await freePorts(20)
  t.is(new Set(ports).size, 20)
  t.true(ports.every((port) => port >= 20_000 && port < 32_768))
  const server = createServer().listen(ports[0], '127.0.0.1')
  t.teardown(() => server.close())
  await once(server, 'listening')
  t.true(await accepts(ports[0]!))
})
