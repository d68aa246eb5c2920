import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, chown, copyFile, mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Account, createAccounts } from './bastion-accounts.ts'
import {
  clientOptions,
  execute,
  keepConnection,
  type Outcome,
  openShell,
  type RunOptions,
  run,
  type Shell,
  type Target,
} from './bastion-client.ts'
import { startSshd } from './bastion-sshd.ts'
import type { Syslog } from './bastion-syslog.ts'
import { type Teardown, temporaryFolder } from './temporary-folder.ts'

const setup = fileURLToPath(new URL('../../hooks/sudo/setup/', import.meta.url))

/** What tests on a bastion need, for realTest. */
export const bastionPrograms = ['root', 'sudo', 'sshd', 'ssh', 'visudo', 'useradd']

export type Bastion = {
  group: string
  wrapper: string
  port: number
  /** Of keys and settings. */
  folder: string
  users: Account[]
  /** Accounts that are not recorded: the break-glass way in. */
  outsiders: Account[]
  ssh(user: Account, command: string | null, options?: RunOptions): Promise<Outcome>
  /** As ssh(), through another client, which tells which signal ended the command. */
  execute(user: Account, command: string): Promise<Outcome & { signal: string | null }>
  shell(user: Account, size?: { cols: number; rows: number }): Promise<Shell>
  /** Options for ssh() that send its sessions over one connection, set up once: for very many of them. */
  keepConnection(user: Account): Promise<string[]>
  /** scp and sftp: `args` after the options; `remote(user, path)` names a file there. */
  transfer(program: 'scp' | 'sftp', args: string[], input?: string): Promise<Outcome>
  remote(user: Account, path: string): string
  /** For rsync -e. */
  sshCommand(): string
  sshdLog(): string
}

export type BastionOptions = {
  /** Port of the log server that sudo is to speak to. */
  sudoPort: number
  users?: number
  outsiders?: number
  notice?: string
  /** Login shell of the recorded users, where it is not the wrapper as the recipe wants it. */
  passwdShell?: string
  subsystem?: string
  /** Where sshd's log goes. */
  logFile?: string
  /** What sshd, and what it starts, speak to. */
  syslog?: Syslog
  /** Settings of sshd before those of the recipe. */
  sshd?: string
  /** Rules of sudo behind those of the recipe. */
  sudoers?: string
}

const makeKeys = async (folder: string): Promise<void> => {
  for (const name of ['host_key', 'client_key']) {
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(folder, name)])
  }
}

/** Writes a file of the user's own, as the user could. */
export const writeFileOf = async ({ home, uid, gid }: Account, name: string, content: string): Promise<void> => {
  const file = join(home, name)
  if (!existsSync(dirname(file))) {
    await mkdir(dirname(file), { mode: 0o700 })
    await chown(dirname(file), uid, gid)
  }
  await writeFile(file, content, { mode: 0o600 })
  await chown(file, uid, gid)
}

/** The documented set-up, word for word but for names and ports, on this machine's sshd and sudo. */
export const startBastion = async (t: Teardown, options: BastionOptions): Promise<Bastion> => {
  const folder = await temporaryFolder(t)
  await chmod(folder, 0o755)
  const wrapper = join(folder, 'bartizan-session')
  await copyFile(join(setup, 'bartizan-session'), wrapper)
  await chmod(wrapper, 0o755)
  if (options.notice) await writeFile(`${wrapper}.notice`, options.notice)

  const accounts = await createAccounts(t, {
    recorded: options.users ?? 1,
    outsiders: options.outsiders ?? 0,
    shell: options.passwdShell ?? wrapper,
  })
  const instantiate = async (name: string, more = ''): Promise<string> =>
    ((await readFile(join(setup, name), 'utf8')) + more)
      .replaceAll('@GROUP@', accounts.group)
      .replaceAll('@PORT@', String(options.sudoPort))
      .replaceAll('@WRAPPER@', wrapper)
  await writeFile(join(folder, 'sudoers'), await instantiate('sudoers', options.sudoers), { mode: 0o440 })
  await accounts.installSudoers(join(folder, 'sudoers'))

  await makeKeys(folder)
  const publicKey = await readFile(join(folder, 'client_key.pub'), 'utf8')
  for (const account of [...accounts.users, ...accounts.outsiders]) {
    await writeFileOf(account, '.ssh/authorized_keys', publicKey)
  }
  const sshd = await startSshd(t, {
    folder,
    recipe: (options.sshd ?? '') + (await instantiate('sshd_config')),
    subsystem: options.subsystem ?? '/usr/lib/openssh/sftp-server',
    ...(options.logFile !== undefined && { logFile: options.logFile }),
    ...(options.syslog && { syslog: options.syslog }),
  })
  const keyFile = join(folder, 'client_key')
  const target: Target = { port: sshd.port, keyFile, key: await readFile(keyFile, 'utf8') }
  return {
    group: accounts.group,
    wrapper,
    port: sshd.port,
    folder,
    users: accounts.users,
    outsiders: accounts.outsiders,
    ssh: (user, command, runOptions = {}) =>
      run(
        'ssh',
        [
          ...clientOptions(target),
          ...(runOptions.options ?? []),
          ...(runOptions.tty ? ['-tt'] : []),
          `${user.name}@127.0.0.1`,
          ...(command === null ? [] : ['--', command]),
        ],
        runOptions,
      ),
    execute: (user, command) => execute(target, user.name, command),
    shell: (user, size) => openShell(target, user.name, size),
    keepConnection: (user) => keepConnection(t, target, user.name, join(folder, 'connection')),
    transfer: (program, args, input) => run(program, [...clientOptions(target), ...args], input ? { input } : {}),
    remote: (user, path) => `${user.name}@127.0.0.1:${path}`,
    sshCommand: () => ['ssh', ...clientOptions(target)].join(' '),
    sshdLog: sshd.log,
  }
}
