import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import { type DestinationStream, pino } from 'pino'
import { type Core, startCore } from '#hooks/agent/core.ts'
import type { SpoolRecord } from '#hooks/agent/spool/record.ts'
import type { SessionEnding, SessionOpening } from '#hooks/hook.ts'
import { type Identity, loadIdentity } from '#services/access/identity.ts'
import { Config } from '#services/config.ts'
import { decodeBatchHeader, decodeFrames, type Frame, Stream } from '#services/recordings/format/frame-batch.ts'

export const silent = pino({ level: 'silent' })
export const logTo = (lines: string[]) => {
  const destination: DestinationStream = { write: (line) => void lines.push(line) }
  return pino({ level: 'debug' }, destination)
}

type AgentSettings = Partial<Omit<Config['agent'], 'spool' | 'masking'>> & {
  spool?: Partial<Config['agent']['spool']>
  masking?: Partial<Config['agent']['masking']>
}
export const configOf = (data: string, agent: AgentSettings = {}, sudo: Partial<Config['sudo']> = {}): Config =>
  Config.parse({ data, bastion: 'bastion-1', agent, sudo: { port: 0, ...sudo } })

/** Spool and recorder on a folder, with real files; closed after the test. */
export const openCore = async (
  t: ExecutionContext<unknown>,
  config: Config,
  log = silent,
): Promise<Core & { identity: Identity; close(): Promise<void> }> => {
  const folder = join(config.data, 'agent')
  await mkdir(folder, { recursive: true })
  const identity = await loadIdentity(folder, log)
  const core = await startCore(config, log, identity)
  let closed: Promise<void> | null = null
  const close = (): Promise<void> => {
    closed ??= core.spool.close(1000)
    return closed
  }
  t.teardown(close)
  return { ...core, identity, close }
}

export const openingOf = (more: Partial<SessionOpening> = {}): SessionOpening => ({
  hook: 'sudo',
  startedAtMs: Date.UTC(2026, 0, 2, 3, 4, 5),
  user: 'alice',
  runAs: 'alice',
  target: 'host-1',
  sourceIp: '192.0.2.7',
  sourcePort: 50_000,
  connectionId: 'c'.repeat(32),
  tty: '/dev/pts/7',
  rows: 24,
  cols: 80,
  argv: ['/bin/bash', '-l'],
  cwd: '/home/alice',
  env: { LANG: 'C.UTF-8', AWS_SECRET_ACCESS_KEY: 'wJalr-very-secret' },
  originalCommand: null,
  client: 'sudoers 1.9.13p3',
  ...more,
})

export const endingOf = (more: Partial<SessionEnding> = {}): SessionEnding => ({
  reason: 'exit',
  exitCode: 0,
  signal: null,
  dumpedCore: false,
  detail: '',
  runTimeNs: 5_000_000_000n,
  ...more,
})

export const output = (data: string | Uint8Array, delayNs = 1_000_001n): Frame => ({
  delayNs,
  stream: Stream.TTYOUT,
  data: Buffer.from(data),
})
export const typed = (data: string, delayNs = 1_000_001n): Frame => ({
  delayNs,
  stream: Stream.TTYIN,
  data: Buffer.from(data),
})

/** Everything that is durable in the spool and was not released. */
export const spooled = async ({ spool }: Pick<Core, 'spool'>): Promise<SpoolRecord[]> => {
  const records: SpoolRecord[] = []
  for (let position = 0; position < spool.durablePosition; ) {
    const chunk = await spool.read(position, 1024 * 1024)
    records.push(...chunk.records)
    position = chunk.nextPosition
  }
  return records
}
export const batchesOf = async (core: Pick<Core, 'spool'>, sessionId: string) =>
  (await spooled(core))
    .filter((record) => record.type === 'batch' && record.sessionId === sessionId)
    .map(({ body }) => {
      const batch = decodeBatchHeader(body)
      return { ...batch, finished: body, frames: decodeFrames(batch) }
    })
export const eventsOf = async (core: Pick<Core, 'spool'>): Promise<Record<string, unknown>[]> =>
  (await spooled(core))
    .filter(({ type }) => type === 'event')
    .map(({ body }) => JSON.parse(Buffer.from(body).toString()))

export const bytesOf = (frames: readonly Frame[], stream: Stream): Buffer =>
  Buffer.concat(frames.filter((frame) => frame.stream === stream).map(({ data }) => data))
