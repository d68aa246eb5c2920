import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { chmodSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const dropIn = '/etc/sudoers.d/bartizan-test-hook'

/** A user of this test run, whose sudo speaks to a log server on `port`. Changes the machine: `remove()` undoes it. */
export type SudoAccount = {
  name: string
  uid: number
  /** `sudo …` typed by this user, under a terminal of `script` where asked for; its standard input stays open. */
  sudo(args: string[], options?: { terminal?: boolean; env?: NodeJS.ProcessEnv }): SudoRun
  remove(): void
}
export type SudoRun = ReturnType<typeof runOf>

const runOf = (child: ReturnType<typeof spawn>) => {
  let output = Buffer.alloc(0)
  const collect = (data: Buffer): void => {
    output = Buffer.concat([output, data])
  }
  child.stdout!.on('data', collect)
  child.stderr!.on('data', collect)
  child.stdin!.on('error', () => {})
  return {
    child,
    output: (): Buffer => output,
    text: (): string => output.toString('utf8'),
    type: (text: string): void => void child.stdin!.write(text),
    exited: new Promise<number | null>((resolve) => child.once('close', resolve)),
  }
}

const quoted = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`

/** What a killed sudo left running. */
const processesOf = (user: string): number[] =>
  spawnSync('pgrep', ['-u', user])
    .stdout.toString()
    .split('\n')
    .flatMap((line) => (/^[0-9]+$/.test(line) ? [Number(line)] : []))

/** @throws when it cannot change the machine; nothing is left behind then */
export const createSudoAccount = (port: number, defaults: string): SudoAccount => {
  const name = `btzhook${process.pid}`
  const remove = (): void => {
    rmSync(dropIn, { force: true })
    for (const pid of processesOf(name)) process.kill(pid, 'SIGKILL')
    execFileSync('userdel', ['-r', '-f', name], { stdio: 'ignore' })
  }
  execFileSync('useradd', ['--no-user-group', '-g', 'nogroup', '-m', '-s', '/bin/bash', name])
  try {
    const draft = join('/etc', `.bartizan-test-hook-${process.pid}`) // not where sudo reads, until it is checked
    writeFileSync(
      draft,
      `Defaults:${name} log_servers=127.0.0.1:${port}, log_server_timeout=5, use_pty, ${defaults}\n` +
        `Defaults:${name} env_keep += "SSH_CONNECTION SSH_CLIENT SSH_TTY SSH_ORIGINAL_COMMAND"\n` +
        `${name} ALL=(${name}) NOPASSWD: ALL\n`,
    )
    chmodSync(draft, 0o440)
    execFileSync('visudo', ['-c', '-q', '-f', draft])
    renameSync(draft, dropIn)
    const uid = Number(execFileSync('id', ['-u', name]).toString())
    const gid = Number(execFileSync('id', ['-g', name]).toString())
    const sudo: SudoAccount['sudo'] = (args, { terminal = false, env = {} } = {}) => {
      const words = ['sudo', ...args]
      const command = terminal ? ['script', '-qefc', words.map(quoted).join(' '), '/dev/null'] : words
      return runOf(
        spawn(command[0]!, command.slice(1), {
          uid,
          gid,
          cwd: '/',
          env: { PATH: '/usr/bin:/bin', TERM: 'xterm', LANG: 'C.UTF-8', SHELL: '/bin/sh', ...env },
          stdio: 'pipe',
        }),
      )
    }
    return { name, uid, sudo, remove }
  } catch (error) {
    remove()
    throw error
  }
}
