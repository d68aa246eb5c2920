import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import type { SpoolEntry, SpoolRecord } from '#hooks/agent/spool/record.ts'
import { openSpool, type Spool, type SpoolOptions } from '#hooks/agent/spool/spool.ts'
import { Config } from '#services/config.ts'
import { silent } from '../core.ts'

/** A spool on real files; its checkpoints hold the text that `checkpoint` says. */
export const openTestSpool = async (
  t: ExecutionContext<unknown>,
  folder: string,
  {
    config = {},
    ...options
  }: Partial<Omit<SpoolOptions, 'config'>> & { config?: Partial<SpoolOptions['config']> } = {},
): Promise<Spool & { recovered: SpoolRecord[] }> => {
  const recovered: SpoolRecord[] = []
  const spool = await openSpool({
    folder: join(folder, 'spool'),
    config: { ...Config.parse({}).agent.spool, ...config },
    log: silent,
    onRecord: (record) => recovered.push({ ...record, body: Buffer.from(record.body) }),
    checkpoint: () => ({ type: 'checkpoint', sessionId: null, seq: 0, body: Buffer.from('checkpoint') }),
    ...options,
  })
  t.teardown(() => spool.close(1000))
  return Object.assign(Object.create(spool, Object.getOwnPropertyDescriptors(spool)) as Spool, { recovered })
}

export const entry = (seq: number, body: Uint8Array | string, sessionId: string | null = null): SpoolEntry => ({
  type: 'event',
  sessionId,
  seq,
  body: Buffer.from(body),
})
export const append = (spool: Spool, seq: number, body: Uint8Array | string, useReserve = false): Promise<void> =>
  spool.append({ hintBytes: Buffer.byteLength(body) + 48, useReserve, encode: () => entry(seq, body) })

export const readAll = async (spool: Spool, from = 0): Promise<SpoolRecord[]> => {
  const records: SpoolRecord[] = []
  for (let position = from; position < spool.durablePosition; ) {
    const chunk = await spool.read(position, 64 * 1024)
    records.push(...chunk.records)
    position = chunk.nextPosition
  }
  return records
}
