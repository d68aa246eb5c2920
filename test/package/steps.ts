import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFile, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Console } from './console.ts'
import type { Machine } from './machine.ts'

const execute = promisify(execFile)
const root = fileURLToPath(new URL('../..', import.meta.url))

export const build = async (out: string, version: string): Promise<string> => {
  const script = join(root, 'scripts/package/build-deb.ts')
  const env = { ...process.env, SOURCE_DATE_EPOCH: '1767225600' }
  const { stdout } = await execute(process.execPath, [script, '--out', out, '--package-version', version], { env })
  return stdout.split('\n')[0]!
}

export type Login = { child: ChildProcess; output(): string; ended: Promise<unknown[]> }

/** An ssh login, from within. */
export const logIn = ({ inside }: Machine, args: string[]): Login => {
  const how = ['-i', '/root/key', '-o', 'StrictHostKeyChecking=no', '-o', 'LogLevel=ERROR', ...args]
  const [enter, ...rest] = [...inside, 'ssh', ...how]
  const child = spawn(enter!, rest, { stdio: ['pipe', 'pipe', 'pipe'] })
  let text = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (data: Buffer) => {
      text += data.toString('utf8')
    })
  }
  return { child, output: () => text, ended: once(child, 'close') }
}

export const show = async ({ run }: Machine, unit: string, property: string): Promise<string> =>
  (await run('systemctl', 'show', '--value', '--property', property, unit)).trim()

export const install = async ({ root: at, run }: Machine, file: string): Promise<void> => {
  await copyFile(file, join(at, 'root/agent.deb'))
  await run('dpkg', '--install', '/root/agent.deb')
}

/** The documented commands, with the package's copy of the page: the recipe, and alice. */
export const followRecipe = async ({ sh }: Machine): Promise<void> => {
  const page = await readFile(join(root, 'docs/record-a-bastion.md'), 'utf8')
  const blocks = [...page.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, block]) => block!)
  await sh(`cd /opt/bartizan/app\n${blocks[1]}`)
  await sh(`cd /opt/bartizan/app\n${blocks[2]}`)
}

export const tellAgent = async ({ root: at, sh }: Machine, { url, ingestToken }: Console): Promise<void> => {
  await writeFile(join(at, 'root/token'), `${await ingestToken()}\n`)
  await sh(`install -m 600 -o bartizan-agent /root/token /var/lib/bartizan-agent/ingest.token
printf 'uplink: {url: "%s", tokenFile: /var/lib/bartizan-agent/ingest.token}\\n' '${url}' >>/etc/bartizan/agent.yaml
systemctl restart bartizan-agent.service`)
}

/** The process that takes sessions now; null: none does yet. */
export const agentOf = async (machine: Machine): Promise<number | null> => {
  const info = await machine.sh('cat /var/lib/bartizan-agent/agent/agent.json 2>/dev/null || true')
  const pid = /"pid":(\d+),/.exec(info)?.[1]
  const parent = pid && (await machine.sh(`ps -o ppid= -p ${pid} || true`)).trim()
  return pid && parent === (await show(machine, 'bartizan-agent', 'MainPID')) ? Number(pid) : null
}

/** Somebody who logs in with a key of root's. */
export const addPerson = ({ sh }: Machine, name: string): Promise<string> =>
  sh(`[ -f /root/key ] || ssh-keygen -q -t ed25519 -N '' -f /root/key
useradd --create-home --shell /bin/bash ${name}
install -d -o ${name} -m 700 /home/${name}/.ssh
install -o ${name} -m 600 /root/key.pub /home/${name}/.ssh/authorized_keys`)
