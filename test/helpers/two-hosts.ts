import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { promisify } from 'node:util'
import type { Teardown } from './temporary-folder.ts'

const run = promisify(execFile)

export type Outcome = { code: number; stdout: string; stderr: string }
export type Host = {
  address: string
  /** The command line ends by itself. Never rejects: see `code`. */
  run(command: string[], env?: NodeJS.ProcessEnv): Promise<Outcome>
  /** Goes on until the test ends, or is killed. */
  start(command: string[], env?: NodeJS.ProcessEnv): { child: ChildProcess; output: () => string }
}

/** A host in a namespace that is there; its processes end with the test, which has to see to it. */
export const hostIn = (namespace: string, address: string, cwd: string, children: ChildProcess[]): Host => {
  const within = (command: string[]) => ['netns', 'exec', namespace, ...command]
  const envOf = (env: NodeJS.ProcessEnv) => ({ PATH: process.env.PATH, HOME: process.env.HOME, ...env })
  return {
    address,
    run: async (command, env = {}) => {
      const { promise, resolve } = Promise.withResolvers<Outcome>()
      const options = { cwd, env: envOf(env), timeout: 60_000 }
      const child = execFile('ip', within(command), options, (_error, stdout, stderr) =>
        resolve({ code: child.exitCode ?? -1, stdout, stderr }),
      )
      return promise
    },
    start: (command, env = {}) => {
      // ip-netns(8) becomes the command it runs: the child's id is that of the command.
      const child = spawn('ip', within(command), { cwd, env: envOf(env), stdio: ['ignore', 'pipe', 'pipe'] })
      children.push(child)
      let text = ''
      for (const stream of [child.stdout, child.stderr]) {
        stream.on('data', (data: Buffer) => {
          text += data.toString()
        })
      }
      return { child, output: () => text }
    },
  }
}

export const ip = (...args: string[]) => run('ip', args)

/** Ends what runs on hosts, and removes their namespaces. */
export const removeHosts = async (names: readonly string[], children: readonly ChildProcess[]): Promise<void> => {
  for (const child of children) {
    if (child.exitCode !== null || child.signalCode !== null) continue
    const gone = new Promise((resolve) => child.once('close', resolve))
    child.kill('SIGKILL')
    await gone
  }
  for (const name of names) await ip('netns', 'del', name).catch(() => null)
}

/** Two network namespaces with a cable between them: each has its own loopback, and reaches the other by its address only. */
export const twoHosts = async (t: Teardown, cwd: string): Promise<[Host, Host]> => {
  const tag = `btz${randomInt(36 ** 6).toString(36)}`
  const net = `10.${randomInt(200, 250)}.${randomInt(1, 250)}`
  const children: ChildProcess[] = []
  const names = ['a', 'b'].map((side) => `${tag}${side}`)
  t.teardown(() => removeHosts(names, children))
  for (const name of names) await ip('netns', 'add', name)
  const cable = ['type', 'veth', 'peer', 'name', 'eth0', 'netns', names[1]!]
  await ip('link', 'add', 'name', 'eth0', 'netns', names[0]!, ...cable)
  const hosts: Host[] = []
  for (const [at, name] of names.entries()) {
    const address = `${net}.${at + 1}`
    await ip('-n', name, 'addr', 'add', `${address}/24`, 'dev', 'eth0')
    for (const device of ['lo', 'eth0']) await ip('-n', name, 'link', 'set', device, 'up')
    hosts.push(hostIn(name, address, cwd, children))
  }
  return [hosts[0]!, hosts[1]!]
}
