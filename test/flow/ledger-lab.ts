import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFile, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import { type Bastion, startBastion } from '#test/helpers/bastion.ts'
import type { Account } from '#test/helpers/bastion-accounts.ts'
import { startSshd } from '#test/helpers/bastion-sshd.ts'
import { startSyslog } from '#test/helpers/bastion-syslog.ts'
import { freePort } from '#test/helpers/free-port.ts'
import { endpointsOf, type Product, startProduct } from '#test/helpers/running.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { until } from '#test/helpers/until.ts'
import type { Door } from './ledger-clients.ts'
import type { Deadlines } from './ledger-truth.ts'

/** Everything that the run plays on: the product, and a bastion with two doors. */
export type Lab = {
  folder: string
  /** The one that is up, or was last. */
  product(): Product
  bastion: Bastion
  users: Account[]
  deadlines: Deadlines
  /** sshd with the recipe. */
  recorded: Door
  /** sshd without it: what somebody who is root could start, or the recipe undone. */
  unrecorded: Door
  /** Runs it as a user at a terminal of the bastion itself. @returns the exit code */
  atTerminal(user: Account, command: string): Promise<number | null>
  /** An address for one connection. `loses`: of its lines in sshd's log those are lost, by their place in `losses`. */
  newAddress(loses?: number): string
  killIngest(): Promise<void>
  startIngest(): Promise<void>
  /** kill -9, and until its successor takes sessions. @returns when it was killed */
  killAgent(): Promise<number>
  signalAgent(signal: 'SIGSTOP' | 'SIGCONT'): Promise<void>
}

/** Lines that never get into the file. */
export const losses = [/./, /Starting session/, /Accepted /, /Close session|Disconnected|disconnect|Connection closed/]
const lossyNet = 100 // 127.100.x.y loses by losses[0], …
const isLost = (line: string): boolean => {
  const net = Number(/\b127\.(1\d\d)\.\d+\.\d+\b/.exec(line)?.[1] ?? 0)
  return losses[net - lossyNet]?.test(line) ?? false
}

const createAddresses = () => {
  let count = 0
  return (loses?: number): string => {
    count += 1
    const net = loses === undefined ? 1 : lossyNet + loses
    return `127.${net}.${count >> 8}.${count & 255}`
  }
}

// As everybody's own rules give rights to become somebody else, from inside of a recorded session.
const sudoers = '%@GROUP@ ALL = (root) NOPASSWD: /usr/bin/id\n@GROUP@-x0 ALL = (root) NOPASSWD: /usr/bin/id\n'

// More at once than sshd lets wait by default: it drops what it calls too many by chance.
const sshd = 'MaxStartups 500\nPerSourceMaxStartups none\n'

const runAtTerminal = async (
  syslog: Awaited<ReturnType<typeof startSyslog>>,
  { name }: Account,
  command: string,
): Promise<number | null> => {
  const [program, ...args] = syslog.within(['script', '-qec', `runuser -u ${name} -- ${command}`, '/dev/null'])
  const child = spawn(program!, args, { stdio: 'ignore', cwd: '/' })
  const [code] = await once(child, 'close')
  return code
}

const startUnrecorded = async (
  t: ExecutionContext<unknown>,
  bastion: Bastion,
  syslog: Awaited<ReturnType<typeof startSyslog>>,
) => {
  const folder = join(bastion.folder, 'unrecorded')
  await mkdir(folder)
  await copyFile(join(bastion.folder, 'host_key'), join(folder, 'host_key'))
  const recipe = `${sshd}LogLevel VERBOSE\n`
  return startSshd(t, { folder, recipe, subsystem: '/usr/lib/openssh/sftp-server', syslog })
}

export const startLab = async (
  t: ExecutionContext<unknown>,
  { users, deadlines, env }: { users: number; deadlines: Deadlines; env: NodeJS.ProcessEnv },
): Promise<Lab> => {
  const folder = await temporaryFolder(t)
  const logFile = join(folder, 'auth.log')
  await writeFile(logFile, '')
  const syslog = await startSyslog(t, { logFile, isLost })
  const sudoPort = await freePort()
  const productEnv = { ...env, BARTIZAN_OPENSSH_LOG: logFile, BARTIZAN_SUDO_PORT: String(sudoPort) }
  let product = await startProduct(t, { env: productEnv })
  t.teardown(() => {
    if (!t.passed) t.log(product.output().slice(-10_000))
  })
  // bash in passwd: the door with the recipe forces the wrapper, the other one has nothing that could.
  const bastion = await startBastion(t, {
    sudoPort,
    users,
    outsiders: 1,
    passwdShell: '/bin/bash',
    syslog,
    sshd,
    sudoers,
  })
  const unrecorded = await startUnrecorded(t, bastion, syslog)
  const keyFile = join(bastion.folder, 'client_key')
  const agentPid = async (): Promise<number> => (await endpointsOf(product.data))!.agentPid
  return {
    folder,
    product: () => product,
    bastion,
    users: bastion.users,
    deadlines,
    recorded: { port: bastion.port, keyFile },
    unrecorded: { port: unrecorded.port, keyFile },
    atTerminal: (user, command) => runAtTerminal(syslog, user, command),
    newAddress: createAddresses(),
    killIngest: async () => {
      product.child.kill('SIGKILL')
      await product.exited
    },
    startIngest: async () => {
      product = await startProduct(t, { data: product.data, env: productEnv })
    },
    killAgent: async () => {
      const before = await agentPid()
      process.kill(before, 'SIGKILL')
      const killedAtMs = Date.now()
      await until(async () => (await agentPid()) !== before, { limitMs: 60_000, what: 'a new agent' })
      return killedAtMs
    },
    signalAgent: async (signal) => {
      process.kill(await agentPid(), signal)
    },
  }
}
