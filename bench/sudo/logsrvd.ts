import { hash } from 'node:crypto'
import { readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { freePort } from '#test/helpers/free-port.ts'
import { until } from '#test/helpers/until.ts'
import { startEngine } from '../../scripts/engines/engine.ts'
import { accepts } from '../../scripts/engines/engine-process.ts'
import type { Contestant, LogServer } from './server.ts'

const limitMs = 120_000

const configOf = (folder: string, port: number, isCompressed: boolean): string => `[server]
listen_address = 127.0.0.1:${port}
pid_file = ${folder}/pid
server_log = ${folder}/server.log
[iolog]
iolog_dir = ${folder}/sessions
iolog_file = %{seq}
iolog_compress = ${isCompressed}
[eventlog]
log_type = logfile
log_format = json
[logfile]
path = ${folder}/events.json
`

const timingsOf = async (folder: string): Promise<string[]> => {
  const names = await readdir(join(folder, 'sessions'), { recursive: true }).catch(() => [])
  return names.filter((name) => name.endsWith('/timing')).map((name) => join(folder, 'sessions', name))
}

/** It takes the write permission off `timing` when a session is complete. */
const completeCount = async (folder: string): Promise<number> => {
  const modes = await Promise.all((await timingsOf(folder)).map(async (file) => (await stat(file)).mode))
  return modes.filter((mode) => (mode & 0o222) === 0).length
}

const gzipMark = Buffer.from([0x1f, 0x8b])
const outputHash = async (timing: string): Promise<string> => {
  const stored = await readFile(timing.replace(/timing$/, 'ttyout'))
  return hash('sha256', stored.subarray(0, 2).equals(gzipMark) ? gunzipSync(stored) : stored)
}

const start = async (folder: string, isCompressed: boolean): Promise<LogServer> => {
  const port = await freePort()
  const config = join(folder, 'logsrvd.conf')
  await writeFile(config, configOf(folder, port, isCompressed))
  const engine = await startEngine({
    name: 'sudo_logsrvd',
    command: '/usr/sbin/sudo_logsrvd',
    args: ['-n', '-f', config],
    logFile: join(folder, 'process.log'),
    isReady: () => accepts(port),
  })
  return {
    port,
    parts: { server: engine },
    stored: (sessions) => until(async () => (await completeCount(folder)) >= sessions, { limitMs, what: 'complete' }),
    stop: engine.stop,
    readBack: async () => Promise.all((await timingsOf(folder)).map(outputHash)),
  }
}

export const logsrvd = (isCompressed: boolean): Contestant => ({
  name: isCompressed ? 'sudo_logsrvd, compressed' : 'sudo_logsrvd, plain',
  start: (folder) => start(folder, isCompressed),
})
