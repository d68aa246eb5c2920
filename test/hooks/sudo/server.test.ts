import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import test from 'ava'
import { connectSudoClient, type SudoClient } from '#test/helpers/sudo-client.ts'
import { until } from '#test/helpers/until.ts'
import { createMemoryRecorder } from './memory-recorder.ts'
import { startWithMemory } from './start.ts'

test('a port that is in use is named, with what to do about it', async (t) => {
  const other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  t.teardown(() => void other.close())
  const { port } = other.address() as AddressInfo
  const error = await t.throwsAsync(startWithMemory(t, { port }))
  t.like(error, { code: 'BTZ_PORT_IN_USE' })
  t.regex(error!.message, new RegExp(`127\\.0\\.0\\.1:${port}`))
})

test('the hook listens on a socket that was opened for it', async (t) => {
  const script = `
    import { startSudoHook } from '#hooks/sudo/sudo-hook.ts'
    import { Config } from '#services/config.ts'
    import { createLogger } from '#services/log.ts'
    const base = Config.parse({})
    const config = { ...base, sudo: { ...base.sudo, port: 1, allowedUids: [process.getuid()] } }
    const refuse = async () => { throw new Error('not asked') }
    const recorder = { bastion: 'b', open: refuse, resume: refuse, event: refuse }
    const hook = await startSudoHook({ config, recorder, log: createLogger('t', 'silent'), listenFd: 3 })
    console.log(hook.port)`
  const holder = createServer().listen(0, '127.0.0.1')
  await once(holder, 'listening')
  t.teardown(() => void holder.close())
  const { port } = holder.address() as AddressInfo
  const { _handle: handle } = holder as unknown as { _handle: { fd: number } }
  const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', script], {
    cwd: new URL('../../..', import.meta.url),
    stdio: ['ignore', 'pipe', 'inherit', handle.fd],
  })
  t.teardown(() => void child.kill('SIGKILL'))
  const [said] = (await once(child.stdout!, 'data')) as [Buffer]
  t.is(Number(said.toString()), port)
})

test('a connection that says nothing is closed in time, one in a session is not (memory recorder)', async (t) => {
  const { port } = await startWithMemory(t, { idleHelloMs: 200 })
  const silent = await connectSudoClient(port, { clientId: null })
  const polite = await connectSudoClient(port)
  const busy = await connectSudoClient(port)
  await busy.greeted()
  busy.accept()
  await Promise.all([silent.closed(), polite.closed()])
  t.regex(silent.heard.errors[0] ?? '', /200 ms/)
  t.false(busy.heard.closed)
  busy.vanish()
})

test('more connections than allowed are refused with a text, and a place that is free again is given (memory recorder)', async (t) => {
  const { port, hook } = await startWithMemory(t, { maxConnections: 2 })
  const clients = [await connectSudoClient(port), await connectSudoClient(port)]
  for (const client of clients) await client.greeted()
  const third = await connectSudoClient(port)
  await third.closed()
  t.regex(third.heard.errors[0] ?? '', /too many sessions/)
  clients[0]!.vanish()
  await until(() => hook.openConnections === 1)
  const fourth = await connectSudoClient(port)
  await fourth.greeted()
  t.is(fourth.heard.errors.length, 0)
  fourth.vanish()
})

test('after stopAccepting open sessions go on, and no new connection is taken (memory recorder)', async (t) => {
  const { port, hook, sessions } = await startWithMemory(t)
  const client = await connectSudoClient(port)
  await client.greeted()
  client.accept()
  await client.logId()
  hook.stopAccepting()
  const [error] = (await once(connect({ port, host: '127.0.0.1' }), 'error')) as [NodeJS.ErrnoException]
  // Whoever took the port meanwhile, a server of another test, knows nothing of this one and ends it.
  t.regex(error.code ?? '', /^ECONN(REFUSED|RESET)$/)
  t.is(sessions.length, 1)
  client.io('ttyoutBuf', 'still recorded')
  client.exit()
  await client.committed()
  t.is(sessions[0]!.frames.length, 1)
})

test('close tells the users of open sessions, and resolves when every end is durable (memory recorder)', async (t) => {
  const { port, hook, sessions } = await startWithMemory(t)
  const clients = await Promise.all([1, 2, 3].map(() => connectSudoClient(port)))
  for (const client of clients) {
    await client.greeted()
    client.accept()
    await client.logId()
    void until(() => client.heard.aborts.length > 0).then(client.vanish)
  }
  await hook.close('this host is going down')
  for (const client of clients) t.deepEqual(client.heard.aborts, ['this host is going down'])
  t.true(sessions.every(({ ending }) => ending?.reason === 'aborted'))
})

test('a session that is being opened while the server closes gets its end too (memory recorder)', async (t) => {
  let open = (): void => {}
  const openGate = new Promise<void>((resolve) => {
    open = resolve
  })
  const { port, hook, sessions, opens } = await startWithMemory(t, {}, createMemoryRecorder({ openGate }))
  const client = await connectSudoClient(port)
  await client.greeted()
  client.accept()
  await until(() => opens() === 1)
  const closing = hook.close('this host is going down')
  await client.closed()
  t.deepEqual(client.heard.errors, ['Bartizan: this host is going down'])
  open()
  await closing
  t.deepEqual(
    sessions.map(({ ending }) => ending?.reason),
    ['truncated'],
  )
})

test('an end that cannot be recorded closes the connection without a commit point (memory recorder)', async (t) => {
  const endGate = Promise.reject(new Error('the disk is gone'))
  endGate.catch(() => {})
  const { port, hook } = await startWithMemory(t, {}, createMemoryRecorder({ endGate }))
  for (const leave of [(one: SudoClient) => one.exit(), (one: SudoClient) => one.finishTalking()]) {
    const client = await connectSudoClient(port)
    await client.greeted()
    client.accept()
    await client.logId()
    leave(client)
    await client.closed()
    t.deepEqual(client.heard.commitsNs, [])
  }
  await until(() => hook.openConnections === 0)
})
