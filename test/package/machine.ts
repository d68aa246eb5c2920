import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { readdir, readFile, rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Teardown } from '#test/helpers/temporary-folder.ts'
import { until } from '#test/helpers/until.ts'

const execute = promisify(execFile)
const boot = fileURLToPath(new URL('./boot.sh', import.meta.url))

const ownEnvironment = ['env', '-i', 'PATH=/usr/sbin:/usr/bin:/sbin:/bin', 'TERM=xterm']

/** A Debian that runs: a systemd, processes, mounts and a network of its own. */
export type Machine = {
  root: string
  /** The words that run a command in it. */
  inside: readonly string[]
  /** The words that run a program of ours in its network alone. */
  inItsNetwork: readonly string[]
  /** What a command in it prints. */
  run(...command: string[]): Promise<string>
  /** A script in it, as root. */
  sh(script: string): Promise<string>
}

/** Debian 12 as debootstrap makes it, with what a bastion has. */
export const installDebian = async (root: string): Promise<void> => {
  const wanted = 'sudo,openssh-server,systemd'
  const how = ['--variant=minbase', `--include=${wanted}`, 'bookworm', root, 'http://deb.debian.org/debian']
  await execute('debootstrap', how, { maxBuffer: 16 * 1024 * 1024 })
}

const childOf = async (pid: number): Promise<number | null> =>
  Number((await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')).trim().split(' ')[0]) || null

/** The kernel makes cgroups of a machine that is gone empty, and leaves them. */
const removeGroups = async (folder: string): Promise<void> => {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
  for (const entry of entries) if (entry.isDirectory()) await removeGroups(join(folder, entry.name))
  await rmdir(folder).catch(() => {})
}

const groupFolder = async (group: string): Promise<string | null> => {
  const mounts = await readFile('/proc/self/mounts', 'utf8')
  const folder = /^\S+ (\S+) cgroup2 /m.exec(mounts)?.[1]
  return folder === undefined ? null : join(folder, group)
}

/** Boots it; ended, with all that runs in it, after the test. */
export const bootMachine = async (t: Teardown, root: string): Promise<Machine> => {
  const group = `bartizan-test-${process.pid}`
  const namespaces = ['--mount', '--pid', '--fork', '--kill-child', '--uts', '--ipc', '--net']
  const outer = spawn('unshare', [...namespaces, 'sh', boot, root, group], { stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  for (const stream of [outer.stdout, outer.stderr]) {
    stream.on('data', (data: Buffer) => {
      said += data.toString('utf8')
    })
  }
  const ended = once(outer, 'exit')
  t.teardown(async () => {
    outer.kill('SIGKILL')
    await ended
    const folder = await groupFolder(group)
    const isGone = async () => {
      await removeGroups(folder!)
      return !existsSync(folder!)
    }
    if (folder !== null) await until(isGone, { limitMs: 30_000, everyMs: 100, what: 'the end of the cgroup' })
  })
  let init: number | null = null
  await until(
    async () => {
      if (outer.exitCode !== null) throw new Error(`the machine did not boot: ${said}`)
      init = await childOf(outer.pid!)
      return init !== null
    },
    { what: 'a first process' },
  )
  const inside = ['nsenter', '--target', String(init), '--all', '--root', '--wd', ...ownEnvironment]
  const run = async (...command: string[]): Promise<string> => {
    const [program, ...rest] = [...inside, ...command]
    try {
      return (await execute(program!, rest, { maxBuffer: 16 * 1024 * 1024 })).stdout
    } catch (error) {
      const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string }
      throw new Error(`${command.join(' ')}: ${(error as Error).message}\n${stdout}${stderr}`)
    }
  }
  const isUp = () =>
    run('systemctl', 'is-active', 'multi-user.target').then(
      () => true,
      () => false,
    )
  await until(isUp, { limitMs: 30_000, everyMs: 200, what: 'multi-user.target' })
  return {
    root,
    inside,
    inItsNetwork: ['nsenter', '--target', String(init), '--net'],
    run,
    sh: (script) => run('sh', '-euc', script),
  }
}
