import { createHash } from 'node:crypto'
import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { systemClock } from '#services/clock.ts'
import { createFileKeyStore } from '#services/keys/file-key-store.ts'
import { createLogger } from '#services/log.ts'
import { createFileRecordingStore } from '#services/recordings/file-recording-store.ts'
import { readBatches } from '#services/recordings/format/block.ts'
import { parseSessionKey } from '#services/recordings/format/evidence-keys.ts'
import { decodeBatchHeader, decodeFrames, Stream } from '#services/recordings/format/frame-batch.ts'
import { endpointsOf, killIfAlive } from '#test/helpers/running.ts'
import { until } from '#test/helpers/until.ts'
import { startEngine } from '../../scripts/engines/engine.ts'
import type { Contestant, LogServer } from './server.ts'

const limitMs = 180_000
const entry = fileURLToPath(new URL('../../cli/bartizan.ts', import.meta.url))

const sealedCount = async (data: string): Promise<number> => {
  const names = await readdir(join(data, 'evidence'), { recursive: true }).catch(() => [])
  return names.filter((name) => name.endsWith('/manifest-0001')).length
}

/** Every block is checked and decrypted on the way. */
const readBack = async (data: string): Promise<string[]> => {
  const log = createLogger('bench', 'error')
  const recordings = await createFileRecordingStore({ folder: data, immutable: false, log })
  const keys = await createFileKeyStore({ folder: join(data, 'keys'), clock: systemClock })
  const outputs = new Map<string, ReturnType<typeof createHash>>()
  for (const { key } of await recordings.list('evidence/v1/2', { limit: 1_000_000 })) {
    if (parseSessionKey(key)?.kind !== 'block') continue
    const sessionId = key.split('/')[3]!
    const output = outputs.get(sessionId) ?? createHash('sha256')
    outputs.set(sessionId, output)
    for (const finished of readBatches(await recordings.get(key), await keys.get(`session:${sessionId}`)))
      for (const { stream, data: bytes } of decodeFrames(decodeBatchHeader(finished)))
        if (stream === Stream.TTYOUT) output.update(bytes)
  }
  await Promise.all([recordings.close(), keys.close()])
  return [...outputs.values()].map((output) => output.digest('hex'))
}

const start = async (folder: string, profileFolder: string | undefined): Promise<LogServer> => {
  const data = join(folder, 'data')
  await mkdir(data)
  const up = await startEngine({
    name: 'bartizan',
    command: process.execPath,
    args: [entry, 'up'],
    env: {
      BARTIZAN_DATA: data,
      BARTIZAN_HTTP_PORT: '0',
      BARTIZAN_SUDO_PORT: '0',
      BARTIZAN_BASTION: 'bench',
      BARTIZAN_LOG_LEVEL: 'warn',
      BARTIZAN_SUDO_ALLOWED_UIDS: `${process.getuid?.() ?? 0}`,
      ...(profileFolder && { NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${profileFolder}` }),
    },
    logFile: join(folder, 'process.log'),
    isReady: async () => (await endpointsOf(data)) !== null,
  })
  const { sudoPort: port, agentPid } = (await endpointsOf(data))!
  // The supervised agent leads a group of its own: all that the cost of a process asks for.
  const agent = { processes: () => [{ ...up.processes()[0]!, pid: agentPid }] }
  return {
    port,
    parts: { agent, server: up },
    stored: (sessions) =>
      until(async () => (await sealedCount(data)) >= sessions, { limitMs, everyMs: 250, what: 'sealed' }),
    stop: async () => {
      await up.stop()
      killIfAlive(agentPid)
    },
    readBack: () => readBack(data),
  }
}

export const product = (profileFolder?: string): Contestant => ({
  name: 'Bartizan',
  start: (folder) => start(folder, profileFolder),
})
