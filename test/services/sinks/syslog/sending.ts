import { pino } from 'pino'
import { SyslogSinkSettings } from '#services/schema/sink-settings.ts'
import { formats } from '#services/sinks/formats/formats.ts'
import { openSyslog } from '#services/sinks/open-syslog.ts'
import { type Numbered, type Sink, SinkUnavailable } from '#services/sinks/sink.ts'
import type { Teardown } from '#test/helpers/temporary-folder.ts'
import { about, numbered, sampleEvent } from '../samples.ts'

const log = pino({ level: 'silent' })

/** The sink as the configuration opens it. */
export const syslogSink = async (t: Teardown, settings: Record<string, unknown>): Promise<Sink> => {
  const parsed = SyslogSinkSettings.parse({
    name: 'siem',
    type: 'syslog',
    host: '127.0.0.1',
    send: { events: 'all' },
    ...settings,
  })
  const sink = await openSyslog(parsed, { format: formats[parsed.format], about: () => about, log })
  t.teardown(() => sink.close().catch(() => {}))
  return sink
}

/** Commands, each with its sequence number in its line. */
export const commands = (count: number): Numbered[] =>
  Array.from({ length: count }, (_, n) => numbered(sampleEvent('command', { line: `echo ${n + 1}` }), n + 1))

const batchItems = 200

/** As delivery does: what was not taken is sent again. */
export const sendAll = async (
  sink: Sink,
  items: Numbered[],
  afterBatch: (sent: number) => Promise<void> = async () => {},
): Promise<void> => {
  const end = Date.now() + 300_000
  for (let sent = 0; sent < items.length; ) {
    if (Date.now() > end) throw new Error(`only ${sent} of ${items.length} in five minutes`)
    try {
      sent += (await sink.send(items.slice(sent, sent + batchItems), AbortSignal.timeout(60_000))).taken
      await afterBatch(sent)
    } catch (error) {
      if (!(error instanceof SinkUnavailable)) throw error
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
}

const sequenceOf = (line: string): number | null => {
  try {
    return (JSON.parse(line) as { event: { sequence: number } }).event.sequence
  } catch {
    return null // torn by a kill
  }
}

/** Which of the first 1 to `count` are missing, or came for the first time after a later one; at most ten of them. */
export const gaps = (lines: string[], count: number): number[] => {
  const seen = [...new Set(lines.map(sequenceOf).filter((sequence) => sequence !== null))]
  return Array.from({ length: count }, (_, n) => n + 1)
    .filter((n) => seen[n - 1] !== n)
    .slice(0, 10)
}
