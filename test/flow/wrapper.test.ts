import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { bastionPrograms, startBastion } from '#test/helpers/bastion.ts'
import type { Account } from '#test/helpers/bastion-accounts.ts'
import { type Outcome, run } from '#test/helpers/bastion-client.ts'
import { startLogsrvd } from '#test/helpers/bastion-logsrvd.ts'
import { realTest } from '#test/helpers/real.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'

const programs = [...bastionPrograms, 'sudo_logsrvd', 'setpriv']
const notice = 'This session is recorded.\n'

/** Runs something as that user, without a terminal and with nothing but this environment. */
const runAs = ({ uid, gid }: Account, command: string[], env: Record<string, string> = {}): Promise<Outcome> =>
  run('setsid', [
    ...['-w', 'setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--init-groups', '--', 'env', '-i'],
    ...Object.entries(env).map(([key, value]) => `${key}=${value}`),
    ...command,
  ])

realTest(
  test,
  programs,
  'the notice opens an interactive session, is part of its recording, and spoils no other',
  async (t) => {
    const logsrvd = await startLogsrvd(t)
    const bastion = await startBastion(t, { sudoPort: logsrvd.port, notice })
    const [user] = bastion.users
    const shell = await bastion.shell(user!)
    await shell.waitFor('$ ')
    shell.type('exit\n')
    t.is(await shell.closed, 0)
    t.true(shell.received().toString().startsWith('This session is recorded.\r\n'))
    await logsrvd.complete(1)
    t.deepEqual((await logsrvd.recorded('ttyout')).map(String), [shell.received().toString()])

    t.is((await bastion.ssh(user!, 'echo plain')).stdout.toString(), 'plain\n')
    t.is((await bastion.ssh(user!, 'echo plain', { tty: true })).stdout.toString(), 'plain\r\n')
    t.is((await bastion.ssh(user!, null, { input: 'echo plain\n' })).stdout.toString(), 'plain\n')
  },
)

realTest(
  test,
  programs,
  'inside, a session is what the user had before: his home, bash, no trace of sudo',
  async (t) => {
    const logsrvd = await startLogsrvd(t)
    const bastion = await startBastion(t, { sudoPort: logsrvd.port })
    const [user] = bastion.users
    const { stdout } = await bastion.ssh(
      user!,
      'echo "$USER $LOGNAME $HOME $PWD $SHELL $PATH"; env | grep -c ^SUDO_; env',
    )
    const [first, sudoNames, ...env] = stdout.toString().split('\n')
    const { name, home } = user!
    t.is(first, `${name} ${name} ${home} ${home} /bin/bash /usr/local/bin:/usr/bin:/bin:/usr/games`)
    t.is(sudoNames, '0')
    t.true(env.some((line) => line.startsWith('SSH_CONNECTION=127.0.0.1 ')))
    t.true(env.some((line) => line.startsWith('SSH_USER_AUTH=/')))
  },
)

realTest(test, programs, 'a hostile environment has no say in what the wrapper runs', async (t) => {
  const logsrvd = await startLogsrvd(t)
  const bastion = await startBastion(t, { sudoPort: logsrvd.port })
  const [user] = bastion.users
  const folder = await temporaryFolder(t)
  await chmod(folder, 0o755)
  for (const name of ['sudo', 'id', 'cat', 'perl', 'bash', 'start-up']) {
    await writeFile(join(folder, name), '#!/bin/sh\necho HIJACKED\n', { mode: 0o755 })
  }
  const env = {
    PATH: folder,
    ENV: join(folder, 'start-up'),
    BASH_ENV: join(folder, 'start-up'),
    IFS: '/ ',
    USER: 'root',
    LOGNAME: 'root',
    HOME: '/root',
    SSH_ORIGINAL_COMMAND: 'echo from another login',
    PERL5OPT: '-Mstrict',
    'BASH_FUNC_exec%%': '() { echo HIJACKED; }',
  }
  const { stdout, stderr, code } = await runAs(user!, [bastion.wrapper, '-c', 'id -un'], env)
  t.deepEqual([stdout.toString(), stderr.toString(), code], [`${user!.name}\n`, '', 0])
})

realTest(
  test,
  programs,
  'called in any other way, or without sudo or perl, the wrapper says what is wrong',
  async (t) => {
    const logsrvd = await startLogsrvd(t)
    const bastion = await startBastion(t, { sudoPort: logsrvd.port })
    const [user] = bastion.users
    const wrong = await runAs(user!, [bastion.wrapper, '/etc/hosts', 'x'])
    t.deepEqual([wrong.code, wrong.stdout.toString()], [2, ''])
    t.regex(wrong.stderr.toString(), /can only be called with nothing or with -c COMMAND/)
    for (const program of ['sudo', 'perl']) {
      const script = `mount --bind /dev/null /usr/bin/${program} && exec setsid -w setpriv --reuid=${user!.uid} --clear-groups -- "$0" -c id`
      const without = await run('unshare', ['-m', 'sh', '-c', script, bastion.wrapper])
      t.deepEqual([without.code, without.stdout.toString()], [1, ''], program)
      t.regex(without.stderr.toString(), new RegExp(`^bartizan-session: ${program} is missing`))
    }
  },
)

realTest(
  test,
  [...programs, 'su', 'script'],
  'su opens a recorded session as well, with and without a command',
  async (t) => {
    const logsrvd = await startLogsrvd(t)
    const bastion = await startBastion(t, { sudoPort: logsrvd.port })
    const [user] = bastion.users
    const single = await run('setsid', ['-w', 'su', '-', user!.name, '-c', 'id -un; exit 6'])
    t.deepEqual([single.stdout.toString(), single.code], [`${user!.name}\n`, 6])
    const login = await run('script', ['-qec', `su - ${user!.name}`, '/dev/null'], { input: 'id -un; exit 8\n' })
    t.is(login.code, 8)
    t.regex(login.stdout.toString(), new RegExp(`^${user!.name}\r$`, 'm'))
    await logsrvd.complete(2)
    t.is((await logsrvd.recorded('ttyout')).filter((data) => data.includes(user!.name)).length, 1)
  },
)

realTest(
  test,
  programs,
  'somebody with the wrapper as shell who is not in the group is told, not asked for a password',
  async (t) => {
    const logsrvd = await startLogsrvd(t)
    const bastion = await startBastion(t, { sudoPort: logsrvd.port, outsiders: 1 })
    const { stdout, stderr, code } = await runAs(bastion.outsiders[0]!, [bastion.wrapper, '-c', 'id'])
    t.deepEqual([stdout.toString(), code], ['', 1])
    t.regex(stderr.toString(), /is not in the sudoers file.*\n.*nothing was run/)
  },
)
