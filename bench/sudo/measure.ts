import { mkdtemp, rm } from 'node:fs/promises'
import { loadavg } from 'node:os'
import { join } from 'node:path'
import { measureCost } from '../cluster/process-cost.ts'
import { rounded } from '../cluster/results.ts'
import { startBystander } from './bystander.ts'
import type { Client, Load } from './clients.ts'
import type { Iolog } from './corpus.ts'
import type { Contestant } from './server.ts'

export type Row = {
  server: string
  client: string
  connections: number
  'frame B': number
  'MB/s': number
  'sessions/s': number
  'CPU s/100 MB': number
  'of it agent': number | null
  'peak MB': number
  'lag p50 ms': number | null
  'lag p99 ms': number | null
  'other p50 ms': number | null // of somebody at work meanwhile
  'other p99 ms': number | null
  wrong: number // of those that were sent, and of those that were stored
  load: number
}

const percentile = (sorted: number[], share: number): number | null =>
  sorted.length === 0 ? null : rounded(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!, 1)

/** Each recording so often as it was sent: a session that is missing, cut, or there twice is not correct. */
const correctCount = (stored: string[], iologs: Iolog[], times: number, once: string): number => {
  const counts = new Map<string, number>()
  for (const sha256 of stored) counts.set(sha256, (counts.get(sha256) ?? 0) + 1)
  const ofLoad = iologs.reduce((sum, { sha256 }) => sum + Math.min(times, counts.get(sha256) ?? 0), 0)
  return ofLoad + Math.min(1, counts.get(once) ?? 0)
}

/** One server on a fresh folder, each recording once so that its code is compiled, then the load; everything is read back. */
export const measure = async (
  folder: string,
  contestant: Contestant,
  client: Client,
  load: Omit<Load, 'port'>,
): Promise<Row> => {
  const place = await mkdtemp(join(folder, 'run-'))
  const { iologs, times, connections, frameBytes } = load
  const sessions = iologs.length * times
  const all = sessions + iologs.length + 1
  const megabytes = (iologs.reduce((sum, { bytes }) => sum + bytes.byteLength, 0) * times) / 1e6
  const server = await contestant.start(place)
  try {
    await client.send({ ...load, times: 1, connections: 1, port: server.port })
    await server.stored(iologs.length)
    const cost = await measureCost(server.parts)
    const bystander = await startBystander(server.port)
    const startedMs = performance.now()
    const { lagsMs } = await client.send({ ...load, port: server.port })
    const seconds = (performance.now() - startedMs) / 1_000
    const other = await bystander.leave()
    await server.stored(all)
    const costs = await cost()
    await server.stop()
    const stored = await server.readBack()
    const correct = correctCount(stored, iologs, times + 1, other.sha256)
    const [sorted, others] = [lagsMs, other.lagsMs].map((lags) => lags.toSorted((a, b) => a - b)) as [
      number[],
      number[],
    ]
    const cpuSeconds = Object.values(costs).reduce((sum, part) => sum + part.cpuSeconds, 0)
    return {
      server: contestant.name,
      client: client.name,
      connections,
      'frame B': frameBytes,
      'MB/s': rounded(megabytes / seconds, 1),
      'sessions/s': rounded(sessions / seconds, 1),
      'CPU s/100 MB': rounded((100 * cpuSeconds) / megabytes),
      'of it agent': costs.agent ? rounded((100 * costs.agent.cpuSeconds) / megabytes) : null,
      'peak MB': Object.values(costs).reduce((sum, part) => sum + part.peakMB, 0),
      'lag p50 ms': percentile(sorted, 0.5),
      'lag p99 ms': percentile(sorted, 0.99),
      'other p50 ms': percentile(others, 0.5),
      'other p99 ms': percentile(others, 0.99),
      wrong: Math.max(all - correct, stored.length - correct),
      load: rounded(loadavg()[0]!, 1),
    }
  } finally {
    await server.stop()
    await rm(place, { recursive: true, force: true })
  }
}
