import { createHash, randomBytes } from 'node:crypto'
import { chmod, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import test from 'ava'
import { type Bastion, bastionPrograms, startBastion } from '#test/helpers/bastion.ts'
import { processesOf } from '#test/helpers/bastion-accounts.ts'
import { type Outcome, run } from '#test/helpers/bastion-client.ts'
import { type Logsrvd, startLogsrvd } from '#test/helpers/bastion-logsrvd.ts'
import { realTest } from '#test/helpers/real.ts'
import { bytesOf, exported, sessionsOf } from '#test/helpers/recorded.ts'
import { startProduct } from '#test/helpers/running.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { until } from '#test/helpers/until.ts'

const programs = [...bastionPrograms, 'sudo_logsrvd', 'perl']
const sha256 = (data: Buffer): string => createHash('sha256').update(data).digest('hex')
const counted = (values: string[]): Record<string, number> =>
  Object.fromEntries(
    Object.entries(Object.groupBy(values, (value) => value)).map(([value, all]) => [value, all!.length]),
  )

const recordedBastion = async (t: ExecutionContext): Promise<{ bastion: Bastion; logsrvd: Logsrvd }> => {
  const logsrvd = await startLogsrvd(t)
  return { bastion: await startBastion(t, { sudoPort: logsrvd.port }), logsrvd }
}

/** A file that every user can read. */
const sharedFile = async (t: ExecutionContext, content: Buffer): Promise<string> => {
  const folder = await temporaryFolder(t)
  await chmod(folder, 0o755)
  await writeFile(join(folder, 'content'), content)
  return join(folder, 'content')
}

realTest(
  test,
  programs,
  '300 commands without a terminal lose no byte on the way to the client and into the recording',
  async (t) => {
    const product = await startProduct(t)
    const bastion = await startBastion(t, { sudoPort: product.endpoints.sudoPort })
    const user = bastion.users[0]!
    const content = randomBytes(300_000)
    const file = await sharedFile(t, content)
    const options = await bastion.keepConnection(user)
    const runs = 300
    const received: string[] = []
    const worker = async (): Promise<void> => {
      while (received.length < runs) {
        const place = received.push('not yet') - 1
        const { stdout, stderr, code } = await bastion.ssh(user, `cat ${file}; exit 7`, { options })
        received[place] = `${sha256(stdout)} ${stderr.toString()} ${code}`
      }
    }
    await Promise.all([worker(), worker(), worker()])
    t.deepEqual(counted(received), { [`${sha256(content)}  7`]: runs })

    // Evidence and rows are derived each by a group of its own, and do not wait for each other.
    const sealed = async () =>
      (await sessionsOf(product, `user=${user.name}&limit=100`)).filter(
        ({ evidence, state }) => evidence === 'sealed' && state !== 'open',
      )
    await until(async () => (await sealed()).length === runs, { limitMs: 60_000, everyMs: 500, what: 'all sealed' })
    const recorded: string[] = []
    for (const { id, state, exitCode } of await sealed()) {
      recorded.push(`${sha256(bytesOf(await exported(product, id), 'stdout'))} ${state} ${exitCode}`)
    }
    t.deepEqual(counted(recorded), { [`${sha256(content)} complete 7`]: runs })
  },
)

realTest(test, programs, 'a slow reader gets the whole of a mixed output on both streams', async (t) => {
  const { bastion, logsrvd } = await recordedBastion(t)
  const content = randomBytes(6_000_000)
  const file = await sharedFile(t, content)
  const half = content.length / 2
  // More than the 2 MiB that ssh takes without its reader, in turns on both streams.
  const command = `perl -e 'open F, "<", "${file}"; read F, $a, ${half}; read F, $b, ${half};
    for ($i = 0; $i < ${half}; $i += 1000) { syswrite STDOUT, substr($a, $i, 1000); syswrite STDERR, substr($b, $i, 1000) }'`
  const { stdout, stderr, code } = await bastion.ssh(bastion.users[0]!, command, { bytesPerSecond: 1_500_000 })
  t.is(code, 0)
  t.is(sha256(stdout), sha256(content.subarray(0, half)))
  t.is(sha256(stderr), sha256(content.subarray(half)))
  await logsrvd.complete(1)
  t.deepEqual((await logsrvd.recorded('stdout')).map(sha256), [sha256(stdout)])
  t.deepEqual((await logsrvd.recorded('stderr')).map(sha256), [sha256(stderr)])
})

realTest(
  test,
  programs,
  'a reader of 50 KB a second gets the last byte, after the command has long ended',
  async (t) => {
    const { bastion } = await recordedBastion(t)
    const content = randomBytes(300_000)
    const { stdout, code } = await bastion.ssh(bastion.users[0]!, `cat ${await sharedFile(t, content)}; exit 3`, {
      bytesPerSecond: 50_000,
    })
    t.is(sha256(stdout), sha256(content))
    t.is(code, 3)
  },
)

const endings: [command: string, code: number][] = [
  ['true', 0],
  ['exit 7', 7],
  ['exit 143', 143],
  ['exit 255', 255],
  ['no-such-command-anywhere', 127],
  ['exec 0<&- 1>&- 2>&-; exit 3', 3],
]

realTest(test, programs, 'exit codes arrive as without a recorder', async (t) => {
  const { bastion } = await recordedBastion(t)
  for (const [command, code] of endings) {
    t.is((await bastion.ssh(bastion.users[0]!, command)).code, code, command)
  }
})

realTest(
  test,
  programs,
  'a command that dies by a signal is told to the client as that signal, and nothing else',
  async (t) => {
    const { bastion } = await recordedBastion(t)
    for (const name of ['TERM', 'KILL', 'INT', 'HUP']) {
      const { signal, stdout, stderr } = await bastion.execute(
        bastion.users[0]!,
        `printf here; kill -${name} $$; sleep 9`,
      )
      t.deepEqual([signal, stdout.toString(), stderr.toString()], [`SIG${name}`, 'here', ''])
    }
  },
)

realTest(test, programs, 'input arrives whole, also where the client has none', async (t) => {
  const { bastion } = await recordedBastion(t)
  const [user] = bastion.users
  const input = randomBytes(1_000_000)
  t.is(sha256((await bastion.ssh(user!, 'cat', { input })).stdout), sha256(input))
  t.is((await bastion.ssh(user!, 'cat; echo end', { stdin: 'ignore' })).stdout.toString(), 'end\n')
  const script = 'echo $0; exit 5\n'
  const shell = await bastion.ssh(user!, null, { input: script })
  t.deepEqual([shell.stdout.toString(), shell.stderr.toString(), shell.code], ['/bin/bash\n', '', 5])
})

realTest(test, programs, 'a client that stops reading ends the command, and leaves no process behind', async (t) => {
  const { bastion } = await recordedBastion(t)
  const [user] = bastion.users
  const { stdout } = await run('sh', ['-c', `${bastion.sshCommand()} ${user!.name}@127.0.0.1 yes | head -n 1`])
  t.is(stdout.toString(), 'y\n')
  await until(async () => (await processesOf(user!.uid)).length === 0, { what: 'end of all processes' })
  t.is((await bastion.ssh(user!, 'echo again')).stdout.toString(), 'again\n')
})

realTest(test, [...programs, 'scp', 'rsync'], '50 MB go both ways through scp, sftp and rsync unharmed', async (t) => {
  const { bastion } = await recordedBastion(t)
  const [user] = bastion.users
  const content = randomBytes(50_000_000)
  const file = await sharedFile(t, content)
  const back = join(await temporaryFolder(t), 'back')
  const there = bastion.remote(user!, 'there')
  const ways: [name: string, up: () => Promise<Outcome>, down: () => Promise<Outcome>][] = [
    ['scp', () => bastion.transfer('scp', ['-q', file, there]), () => bastion.transfer('scp', ['-q', there, back])],
    [
      'scp -O',
      () => bastion.transfer('scp', ['-O', '-q', file, there]),
      () => bastion.transfer('scp', ['-O', '-q', there, back]),
    ],
    [
      'sftp',
      () => bastion.transfer('sftp', ['-q', '-b', '-', bastion.remote(user!, '')], `put ${file} there\n`),
      () => bastion.transfer('sftp', ['-q', '-b', '-', bastion.remote(user!, '')], `get there ${back}\n`),
    ],
    [
      'rsync',
      () => run('rsync', ['-W', '-e', bastion.sshCommand(), file, there]),
      () => run('rsync', ['-W', '-e', bastion.sshCommand(), there, back]),
    ],
  ]
  for (const [name, up, down] of ways) {
    const outcomes = [await up(), await down()]
    t.deepEqual(
      outcomes.map(({ code, stderr }) => [code, stderr.toString()]),
      [
        [0, ''],
        [0, ''],
      ],
      name,
    )
    t.is(sha256(await readFile(join(user!.home, 'there'))), sha256(content), `${name} up`)
    t.is(sha256(await readFile(back)), sha256(content), `${name} down`)
    await Promise.all([rm(back), rm(join(user!.home, 'there'))])
  }
})

realTest(test, [...programs, 'scp'], '50 MB copied there and back are in the recordings byte by byte', async (t) => {
  const product = await startProduct(t)
  const bastion = await startBastion(t, { sudoPort: product.endpoints.sudoPort })
  const user = bastion.users[0]!
  const content = randomBytes(50_000_000)
  const file = await sharedFile(t, content)
  const back = join(await temporaryFolder(t), 'back')
  const there = bastion.remote(user, 'there')
  t.is((await bastion.transfer('scp', ['-O', '-q', file, there])).code, 0)
  t.is((await bastion.transfer('scp', ['-O', '-q', there, back])).code, 0)
  t.true((await readFile(back)).equals(content))

  const sealed = async () =>
    (await sessionsOf(product, `user=${user.name}`)).filter(
      ({ evidence, state }) => evidence === 'sealed' && state !== 'open',
    )
  await until(async () => (await sealed()).length === 2, { limitMs: 60_000, everyMs: 200, what: 'both sealed' })
  for (const { id, inBytes, state } of await sealed()) {
    const stream = inBytes > content.length ? 'stdin' : 'stdout' // scp's protocol puts a few bytes around the file
    t.true(bytesOf(await exported(product, id), stream).includes(content), stream)
    t.is(state, 'complete')
  }
})

realTest(test, programs, 'sftp also works where sshd is set to its internal server', async (t) => {
  const logsrvd = await startLogsrvd(t)
  const bastion = await startBastion(t, { sudoPort: logsrvd.port, subsystem: 'internal-sftp' })
  const listing = await bastion.transfer(
    'sftp',
    ['-q', '-b', '-', bastion.remote(bastion.users[0]!, '')],
    'ls -a .bashrc\n',
  )
  t.regex(listing.stdout.toString(), /\.bashrc\n/)
  await logsrvd.complete(1)
})

realTest(
  test,
  [...programs, 'su'],
  'output is whole also where it goes into a pipe or socket of somebody else',
  async (t) => {
    const { bastion } = await recordedBastion(t)
    const content = randomBytes(4_000_000)
    const file = await sharedFile(t, content)
    const command = `cat ${file}; cat ${file} >&2; exit 9`
    for (const prefix of ['', ' | cat']) {
      const { stdout, stderr, code } = await run(
        'setsid', // su in a terminal would have sudo make another one
        ['-w', 'bash', '-o', 'pipefail', '-c', `su - ${bastion.users[0]!.name} -c '${command}'${prefix}`],
        { bytesPerSecond: 10_000_000 },
      )
      t.deepEqual([sha256(stdout), sha256(stderr), code], [sha256(content), sha256(content), 9])
    }
  },
)
