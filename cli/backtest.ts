import { setFlagsFromString } from 'node:v8'
import { Command } from 'commander'
import { runBacktest } from '#detectors/backtest/backtest.ts'
import { createReplay } from '#detectors/backtest/replay.ts'
import { loadDirectory } from '#detectors/directory/load-directory.ts'
import { noGeo } from '#detectors/geo/geo.ts'
import { openGeo } from '#detectors/geo/mmdb-geo.ts'
import { createPrograms } from '#detectors/programs.ts'
import { systemClock } from '#services/clock.ts'
import type { Config } from '#services/config.ts'
import { createLogger } from '#services/log.ts'
import { printable } from './printable.ts'
import { configOf } from './settings.ts'

type Options = { events: string; alerts: string; directory?: string; mmdb?: string; json?: boolean }

const everyMs = 250

/** On a terminal only: a file of progress lines helps nobody. */
const createProgress = () => {
  let toldMs = 0
  const startedMs = performance.now()
  const isTerminal = process.stderr.isTTY
  return {
    tell: (progress: { bytes: number; totalBytes: number; events: number; alerts: number }): void => {
      if (!isTerminal || performance.now() - toldMs < everyMs) return
      toldMs = performance.now()
      const percent = Math.min(100, Math.floor((100 * progress.bytes) / Math.max(1, progress.totalBytes)))
      const rate = Math.round(progress.events / ((performance.now() - startedMs) / 1000))
      process.stderr.write(
        `\r${percent} %  ${progress.events} events  ${rate}/s  ${progress.alerts} alerts and findings  `,
      )
    },
    end: (): void => {
      if (isTerminal) process.stderr.write('\r\u001b[K')
    },
  }
}

/**
 * Events live for ten minutes of event time and then are garbage; by default the heap grows to several times what is alive
 * before that is looked for. Half as much again costs no time that could be measured.
 */
const keepHeapSmall = (): void => setFlagsFromString('--heap-growing-percent=50')

const run = async (config: Config, options: Options): Promise<void> => {
  keepHeapSmall()
  const log = createLogger('backtest', config.log.level)
  const settings = config.detectors
  const directory = await loadDirectory({ file: options.directory ?? settings.directoryFile, log, clock: systemClock })
  const mmdb = options.mmdb ?? settings.geoFile
  const geo = mmdb === undefined ? noGeo : await openGeo(mmdb)
  const context = { directory: directory.current(), geo, settings }
  const replay = createReplay({ programs: createPrograms(), context, horizonMs: settings.horizonMs })
  const progress = createProgress()
  const result = await runBacktest({
    events: options.events,
    out: options.alerts,
    replay,
    onProgress: progress.tell,
  }).finally(() => {
    progress.end()
    directory.close()
  })
  if (options.json) {
    process.stdout.write(`${JSON.stringify(result)}\n`)
    return
  }
  const { events, seconds, rejectedCount, rejected, alerts } = result
  process.stdout.write(`${events} events in ${seconds.toFixed(1)} s (${Math.round(events / seconds)}/s)\n`)
  for (const [severity, count] of Object.entries(alerts)) process.stdout.write(`  ${severity.padEnd(9)}${count}\n`)
  if (rejectedCount === 0) return
  process.stdout.write(`${rejectedCount} lines are no events, the first ones:\n`)
  for (const { line, reason } of rejected.slice(0, 10)) process.stdout.write(`  line ${line}: ${printable(reason)}\n`)
}

export const backtestCommand = (): Command =>
  new Command('backtest')
    .description('Run the detectors over a file of events, and write what they would have alerted.')
    .requiredOption('--events <file>', 'events, one JSON object per line; .gz and .zst are unpacked')
    .requiredOption('--alerts <file>', 'where the last revision of each alert and finding is written, one per line')
    .option('--directory <file>', 'people, places and plans; absent: detectors.directoryFile')
    .option('--mmdb <file>', 'database of places; absent: detectors.geoFile')
    .option('--json', 'the result as JSON')
    .addHelpText(
      'after',
      `
The same code as live, over event time; reads the events in the order of the file and writes nothing but the one file.
Example: bartizan backtest --events quarter.ndjson.zst --directory directory.yaml --alerts alerts.ndjson`,
    )
    .action((options: Options, command: Command) => run(configOf(command), options))
