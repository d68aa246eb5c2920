import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { adminToken, endpointsOf } from '#test/helpers/running.ts'
import { type Teardown, temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { until } from '#test/helpers/until.ts'
import type { Machine } from './machine.ts'

const execute = promisify(execFile)
const entry = fileURLToPath(new URL('../../cli/bartizan.ts', import.meta.url))
const ask = `const [url, token] = process.argv.slice(1)
const answer = await fetch(url, { headers: { authorization: 'Bearer ' + token } })
if (!answer.ok) throw new Error(answer.status + ' ' + (await answer.text()))
process.stdout.write(await answer.text())`

export type Console = {
  url: string
  /** Text of an API call as admin. */
  get(path: string): Promise<string>
  /** A token for an agent. */
  ingestToken(): Promise<string>
}

/** `up` as this machine's process in the other's network: to the agent it is somebody else on 127.0.0.1. */
export const startConsole = async (t: Teardown, { inItsNetwork }: Machine): Promise<Console> => {
  const data = await temporaryFolder(t)
  const env = { PATH: process.env.PATH, BARTIZAN_DATA: data, BARTIZAN_SUDO_PORT: '0', BARTIZAN_ADMIN_TOKEN: adminToken }
  const [enter, ...how] = inItsNetwork
  const child = spawn(enter!, [...how, process.execPath, entry, 'up'], { env, stdio: 'ignore' })
  const ended = once(child, 'exit')
  t.teardown(async () => {
    child.kill('SIGTERM')
    await ended
  })
  await until(async () => (await endpointsOf(data)) !== null, { limitMs: 60_000, what: 'the console' })
  const url = `http://127.0.0.1:${(await endpointsOf(data))!.httpPort}`
  const node = async (...args: string[]): Promise<string> =>
    (await execute(enter!, [...how, process.execPath, ...args], { env, maxBuffer: 64 * 1024 * 1024 })).stdout
  return {
    url,
    get: (path) => node('--input-type=module', '-e', ask, `${url}${path}`, adminToken),
    ingestToken: async () => (await node(entry, 'token', 'create', '--role', 'ingest')).trim(),
  }
}
