import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { symlink } from 'node:fs/promises'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import test from 'ava'
import { findPeer } from '#hooks/sudo/peer.ts'
import type { FoundTerminal } from '#hooks/sudo/process-files.ts'
import { createSudoSearch, type SearchResult } from '#hooks/sudo/sudo-search.ts'
import { realTest } from '#test/helpers/real.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'

// Connects, opens a terminal for a command (or none), says its number, and stays.
const program = `use IO::Socket::INET; my ($port, $wants) = @ARGV;
my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port) or die;
if ($wants) { open my $master, '+<', '/dev/ptmx' or die; my $n = pack 'i', 0; ioctl $master, 0x80045430, $n or die; print unpack('i', $n), "\\n"; $keep = $master }
else { print "none\\n" }
$| = 1; print ''; sleep 60;`

type Started = { child: ChildProcess; inode: number; said: string }

/** A process of that name with a connection, as sudo has one to its log server. */
const start = async (t: ExecutionContext, name: string, wantsTerminal: boolean): Promise<Started> => {
  const server = createServer().listen(0, '127.0.0.1')
  t.teardown(() => void server.close())
  await once(server, 'listening')
  const accepted = once(server, 'connection') as Promise<[Socket]>
  const file = join(await temporaryFolder(t), name)
  await symlink('/usr/bin/perl', file)
  const args = ['-e', `$| = 1; ${program}`, `${(server.address() as AddressInfo).port}`, wantsTerminal ? '1' : '']
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  t.teardown(() => void child.kill('SIGKILL'))
  const [[said], [near]] = await Promise.all([once(child.stdout!, 'data'), accepted])
  t.teardown(() => void near.destroy())
  near.on('error', () => {})
  const peer = await findPeer(
    { address: near.remoteAddress!, port: near.remotePort! },
    { address: near.localAddress!, port: near.localPort! },
  )
  return { child, inode: peer!.inode, said: `${said}`.trim() }
}

const asTerminal = (result: SearchResult): FoundTerminal => {
  if (result === null || result === 'never') throw new Error(`found: ${result}`)
  return result
}

for (const name of ['sudo', 'other'])
  realTest(
    test,
    ['root', 'perl'],
    `the terminal of a sudo that is called ${name} is found, until it is gone`,
    async (t) => {
      const { child, inode, said } = await start(t, name, true)
      const found = asTerminal(await createSudoSearch()(inode))
      t.is(found.name, `/dev/pts/${said}`)
      t.true(found.holds())
      child.kill('SIGKILL')
      await once(child, 'exit')
      t.false(found.holds())
    },
  )

realTest(test, ['root', 'perl'], 'many who ask at once are answered by one walk, each with its own', async (t) => {
  const search = createSudoSearch()
  const started = await Promise.all([
    start(t, 'sudo', true),
    start(t, 'sudo', false),
    start(t, 'other', false),
    start(t, 'sudo', true),
  ])
  const [first, waits, never, second] = await Promise.all(started.map(({ inode }) => search(inode)))
  t.is(asTerminal(first!).name, `/dev/pts/${started[0]!.said}`)
  t.is(waits, null, 'a sudo may make its terminal yet')
  t.is(never, 'never')
  t.is(asTerminal(second!).name, `/dev/pts/${started[3]!.said}`)
})
