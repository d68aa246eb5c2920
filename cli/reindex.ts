import { Command, InvalidArgumentError } from 'commander'
import type { Scope, Tally } from '#ingest/reindex/context.ts'
import { reindex } from '#ingest/reindex/reindex.ts'
import { openBackends } from '#services/backends.ts'
import { systemClock } from '#services/clock.ts'
import type { Config } from '#services/config.ts'
import { createLogger } from '#services/log.ts'
import { lockWhereAlone } from './data-lock.ts'
import { createProgressLine } from './progress-line.ts'
import { configOf } from './settings.ts'

const exitCodes = { partly: 3 } as const
const clock = systemClock

type Options = { session?: string; from?: string; to?: string; viewsOnly?: boolean; json?: boolean }

const countLine = ({ sessions, events, alerts }: Tally): string =>
  `${sessions} sessions, ${events} events, ${alerts} alerts`

const tallyLine = (tally: Tally): string => {
  const { erased, running, refused, damaged } = tally
  return [
    countLine(tally),
    ...(erased > 0 ? [`${erased} sessions are erased, and stay so`] : []),
    ...(running > 0 ? [`${running} sessions go on: run it again for them when they have ended`] : []),
    ...(refused > 0 ? [`${refused} records are none that are known, and were passed over`] : []),
    ...(damaged > 0 ? [`${damaged} objects could not be read: see above, and \`bartizan verify\``] : []),
  ].join('\n')
}

/** Embedded: nothing else has the data folder meanwhile. */
const run = async (config: Config, scope: Scope, tell: (tally: Tally) => void): Promise<Tally> => {
  const lock = await lockWhereAlone(config, 'reindex')
  const log = createLogger('reindex', 'warn')
  const backends = await openBackends(config, clock, log)
  const { graceMs } = config.detectors.recordingGap
  const recordings = { ...backends.recordings, locks: false }
  try {
    return await reindex({ ...backends, recordings, clock, log, graceMs, isAlone: lock !== null, tell }, scope)
  } finally {
    await backends.close()
    await lock?.release()
  }
}

const day = (text: string): string => {
  if (/^\d{4}-\d\d-\d\d$/.test(text) && !Number.isNaN(Date.parse(text))) return text
  throw new InvalidArgumentError('not a date YYYY-MM-DD')
}

const scopeOf = ({ session, from, to, viewsOnly = false }: Options): Scope => ({
  ...(session !== undefined && { sessionId: session }),
  ...(from !== undefined && { from }),
  ...(to !== undefined && { to }),
  viewsOnly,
})

export const reindexCommand = (): Command =>
  new Command('reindex')
    .description(
      'Derive catalog and views anew from evidence: what is missing in the catalog comes back, views are replaced.',
    )
    .option('--session <id>', 'this session alone, without events and alerts')
    .option('--from <day>', 'sessions that began, and events that came, on this day (UTC) or later', day)
    .option('--to <day>', 'likewise, on this day or before', day)
    .option('--views-only', 'segments, keyframes and texts of screens alone')
    .option('--json', 'as JSON')
    .addHelpText(
      'after',
      `
Embedded: the instance has to be stopped. On a cluster it may run beside; sessions that go on are left to ingest.
Ended in the middle, the next run with the same options goes on. Nothing is put on the bus.
Examples:
  bartizan reindex
  bartizan reindex --from 2026-01-01 --to 2026-01-31 --views-only
Exit codes: 0 all of it, 1 it could not go on (run it again), 2 wrong usage, 3 done, but some evidence could not be read.`,
    )
    .action(async (options: Options, command: Command) => {
      const progress = createProgressLine(process.stderr, { terminalMs: 200, logMs: 10_000 })
      const tell = (tally: Tally): void => progress.tell(() => countLine(tally))
      const tally = await run(configOf(command), scopeOf(options), tell).finally(progress.end)
      process.stdout.write(`${options.json ? JSON.stringify({ type: 'reindexed', ...tally }) : tallyLine(tally)}\n`)
      if (tally.damaged > 0) process.exitCode = exitCodes.partly
    })
