import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { Alert } from '#services/schema/alert.ts'
import { peakOf } from '../cluster/process-cost.ts'

export type Replayed = { alerts: Alert[]; events: number; eventsPerSecond: number; peakMB: number }

const root = fileURLToPath(new URL('../..', import.meta.url))
const lookEveryMs = 100

/** The command as people run it, in a process of its own. `eventsPerSecond`: by its own clock, reading and writing included. */
export const replay = async (folder: string): Promise<Replayed> => {
  const file = (name: string) => join(folder, name)
  const child = spawn(
    './bartizan',
    [
      ...['backtest', '--json', '--events', file('events.ndjson')],
      ...['--directory', file('directory.json'), '--alerts', file('alerts.ndjson')],
    ],
    { cwd: root, stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, BARTIZAN_LOG_LEVEL: 'warn' } },
  )
  let peakMB = 0
  const look = setInterval(async () => {
    peakMB = Math.max(peakMB, await peakOf(String(child.pid)))
  }, lookEveryMs)
  const [output, [code]] = await Promise.all([text(child.stdout), once(child, 'exit')]).finally(() =>
    clearInterval(look),
  )
  if (code !== 0) throw new Error(`bartizan backtest ended with ${code}`)
  const { events, rejectedCount, seconds } = JSON.parse(output)
  if (rejectedCount > 0) throw new Error(`bartizan backtest took ${rejectedCount} lines for no events`)
  const lines = (await readFile(file('alerts.ndjson'), 'utf8')).split('\n').filter((line) => line !== '')
  return {
    alerts: lines.map((line) => Alert.parse(JSON.parse(line))),
    events,
    eventsPerSecond: Math.round(events / seconds),
    peakMB: Math.round(peakMB),
  }
}
