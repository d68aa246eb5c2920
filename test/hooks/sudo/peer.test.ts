import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { findPeer } from '#hooks/sudo/peer.ts'
import { addressColumns, createRowFinder, findRows, parseRow } from '#hooks/sudo/proc-net-tcp.ts'
import { SessionEvent } from '#services/schema/session-event.ts'
import { realTest } from '#test/helpers/real.ts'
import { connectSudoClient } from '#test/helpers/sudo-client.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { until } from '#test/helpers/until.ts'
import { startWithMemory } from './start.ts'

const uid = process.getuid?.() ?? 0

test('addresses are written as the kernel writes them (little endian)', (t) => {
  const v4 = addressColumns({ address: '127.0.0.1', port: 8080 }, { address: '10.1.2.3', port: 30_343 })
  t.is(v4?.tcp, '0100007F:1F90 0302010A:7687')
  t.is(v4?.tcp6, '0000000000000000FFFF00000100007F:1F90 0000000000000000FFFF00000302010A:7687')
  t.deepEqual(
    addressColumns({ address: '::ffff:127.0.0.1', port: 8080 }, { address: '::FFFF:10.1.2.3', port: 30_343 }),
    v4,
  )
  const v6 = addressColumns({ address: '::1', port: 1 }, { address: '2001:db8::a:1234', port: 65_535 })
  t.deepEqual(v6, {
    tcp: null,
    tcp6: '00000000000000000000000001000000:0001 B80D0120000000000000000034120A00:FFFF',
  })
})

test('an address that is none has no columns', (t) => {
  for (const address of ['', 'localhost', '127.0.0.1 ', '1.2.3', 'fe80::1%eth0', '::ffff:1.2.3.256']) {
    t.is(addressColumns({ address, port: 1 }, { address: '127.0.0.1', port: 2 }), null, address)
  }
})

test('a row says state, uid and inode; what is no row says nothing', (t) => {
  const rest = '01 00000000:00000000 00:00000000 00000000  1001        0 7654321 1 0000000000000000 20 4 30 10 -1'
  t.deepEqual(parseRow(rest), { state: '01', uid: 1001, inode: 7_654_321 })
  for (const other of ['', '01', '01 0 0 0 x 0 1', '01 0:0 0:0 0 0 0']) t.is(parseRow(other), null, other)
})

test('a row is found wherever it lies in a table of 20,000 sockets', async (t) => {
  const file = join(await temporaryFolder(t), 'tcp')
  const row = (index: number) =>
    `${String(index).padStart(6)}: 0100007F:${(index & 0xffff).toString(16).toUpperCase().padStart(4, '0')} 0100007F:76A7 01 00000000:00000000 00:00000000 00000000 ${String(index).padStart(5)}        0 ${index + 1} 1 0000000000000000 20 4 30 10 -1`
  const rows = Array.from({ length: 20_000 }, (_, index) => row(index + 1))
  await writeFile(file, ['  sl  local_address rem_address   st', ...rows, ''].join('\n'))
  for (let index = 1; index <= 20_000; index += 217) {
    const columns = addressColumns({ address: '127.0.0.1', port: index }, { address: '127.0.0.1', port: 0x76a7 })!.tcp!
    t.deepEqual((await findRows(file, [columns])).get(columns), { state: '01', uid: index, inode: index + 1 })
  }
  t.is((await findRows(file, ['0200007F:0001 0100007F:76A7'])).size, 0)
  const all = Array.from(
    { length: 200 },
    (_, at) =>
      addressColumns({ address: '127.0.0.1', port: at * 99 + 1 }, { address: '127.0.0.1', port: 0x76a7 })!.tcp!,
  )
  const find = createRowFinder(file)
  const uids = (await Promise.all(all.map(find))).map((found) => found?.uid)
  t.deepEqual(
    uids,
    all.map((_, at) => at * 99 + 1),
    'all who ask at once',
  )
})

test('a table that cannot be read fails all who asked, and the next are asked for again', async (t) => {
  const file = join(await temporaryFolder(t), 'tcp')
  const find = createRowFinder(file)
  const columns = '0100007F:0001 0100007F:76A7'
  const answers = await Promise.allSettled([find(columns), find(columns), find(columns.replace('1', '2'))])
  t.true(answers.every(({ status }) => status === 'rejected'))
  await writeFile(file, `   0: ${columns} 01 00000000:00000000 00:00000000 00000000     7        0 99 1 0\n`)
  t.is((await find(columns))?.uid, 7)
})

const pair = async (
  t: ExecutionContext,
  listenOn: string,
  connectTo: string,
): Promise<{ near: Socket; far: Socket }> => {
  const server = createServer({ allowHalfOpen: true }).listen(0, listenOn)
  t.teardown(() => void server.close())
  await once(server, 'listening')
  const accepted = once(server, 'connection') as Promise<[Socket]>
  const far = connect({ port: (server.address() as AddressInfo).port, host: connectTo })
  const [near] = await accepted
  t.teardown(() => void near.destroy())
  t.teardown(() => void far.destroy())
  near.on('error', () => {})
  far.on('error', () => {})
  return { near, far }
}
const ends = ({ remoteAddress, remotePort, localAddress, localPort }: Socket) =>
  [
    { address: remoteAddress!, port: remotePort! },
    { address: localAddress!, port: localPort! },
  ] as const

for (const [listenOn, connectTo] of [
  ['127.0.0.1', '127.0.0.1'],
  ['127.0.0.1', '::ffff:127.0.0.1'],
  ['::', '127.0.0.1'],
  ['::', '::ffff:127.0.0.1'],
  ['::1', '::1'],
] as const) {
  test(`the peer of a connection to ${connectTo} on a listener on ${listenOn} is found`, async (t) => {
    const { near } = await pair(t, listenOn, connectTo)
    const peer = await findPeer(...ends(near))
    t.is(peer?.uid, uid)
    t.true(peer!.inode > 0)
  })
}

test('a peer that has closed already is nobody, though the kernel prints uid 0 for it', async (t) => {
  const { near, far } = await pair(t, '127.0.0.1', '127.0.0.1')
  const known = ends(near)
  far.end('forged')
  far.destroy()
  await once(far, 'close')
  t.is(await findPeer(...known, { retryMs: [1] }), null)
})

test('a row that is missing at first is looked for again (mock: the tables are files of this test)', async (t) => {
  const folder = await temporaryFolder(t)
  const files = { tcp: join(folder, 'tcp'), tcp6: join(folder, 'tcp6') }
  const [peer, self] = [
    { address: '127.0.0.1', port: 4000 },
    { address: '127.0.0.1', port: 30_343 },
  ]
  await writeFile(files.tcp, '')
  await writeFile(files.tcp6, '')
  const found = findPeer(peer, self, { files, retryMs: Array.from({ length: 200 }, () => 10) })
  const { tcp } = addressColumns(peer, self)!
  await writeFile(files.tcp, `   0: ${tcp} 01 00000000:00000000 00:00000000 00000000     7        0 99 1 0\n`)
  t.deepEqual(await found, { uid: 7, inode: 99 })
})

test('a peer of another user is closed unheard and reported with its uid (memory recorder)', async (t) => {
  const { port, events, hook, sessions } = await startWithMemory(t, { allowedUids: [uid + 1] })
  for (let attempt = 0; attempt < 5; attempt += 1) {
    const client = await connectSudoClient(port)
    client.accept()
    await client.closed()
    t.is(client.heard.serverId, null)
  }
  t.is(hook.refusedPeers, 5)
  t.is(sessions.length, 0)
  t.is(events.length, 1)
  t.like(events[0], { kind: 'recorder_health', status: 'tampered', uid, attempts: 1 })
  t.true(SessionEvent.safeParse({ id: 'of-the-agent', bastion: 'b', ...events[0] }).success)
  await hook.close()
  t.like(events[1], { status: 'tampered', uid, attempts: 4 })
})

realTest(test, ['root', 'bash'], 'an unprivileged process cannot forge a session (memory recorder)', async (t) => {
  const { port, events, sessions } = await startWithMemory(t, { allowedUids: [0] })
  const script = `exec 3<>/dev/tcp/127.0.0.1/${port}; printf '\\0\\0\\0\\5\\152\\3\\12\\1x' >&3; wc -c <&3`
  const forger = spawn('bash', ['-c', script], {
    uid: 65_534,
    gid: 65_534,
    cwd: '/',
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  let heard = ''
  forger.stdout.on('data', (data: Buffer) => {
    heard += data
  })
  await once(forger, 'close')
  t.is(Number(heard.trim() || '0'), 0)
  await until(() => events.length > 0)
  t.like(events[0], { kind: 'recorder_health', status: 'tampered', uid: 65_534 })
  t.is(sessions.length, 0)
})
