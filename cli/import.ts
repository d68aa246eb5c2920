import { Argument, Command, InvalidArgumentError, Option } from 'commander'
import type { Config } from '#services/config.ts'
import { createLogger } from '#services/log.ts'
import { BastionName } from '#services/schema/ids.ts'
import { type ImportedRecordings, RecordingQuery } from '#services/schema/recording-upload.ts'
import { TimeZone } from '#services/schema/time-zone.ts'
import { isLineFormat, type LineFormat, lineFormats } from './import/line-formats.ts'
import { importLines } from './import/lines.ts'
import { type Imported, type ImportOptions, importOpenssh } from './import/openssh.ts'
import { postTo } from './import/post.ts'
import { type FormatName, isRecordingFormat, recordingFormats } from './import/recording/formats.ts'
import { importRecordings } from './import/recording/import-recordings.ts'
import { givenOf } from './import/recording/one-recording.ts'
import { findInstance, type Instance } from './instance.ts'
import { printable } from './printable.ts'
import { createProgressLine } from './progress-line.ts'
import { configOf } from './settings.ts'

const earliestYear = 1995 // the first ssh
const latestYear = 9999
/** Of one recording, unpacked: a few packed ones must not become any number of others. */
const maxBytes = 64 * 1024 * 1024 * 1024

const checked =
  <T>({ safeParse }: { safeParse(value: string): { success: boolean; data?: T } }, what: string) =>
  (value: string): T => {
    const { success, data } = safeParse(value)
    if (success) return data as T
    throw new InvalidArgumentError(what)
  }

const yearOf = (value: string): number => {
  const year = Number(value)
  if (/^\d{4}$/.test(value) && year >= earliestYear && year <= latestYear) return year
  throw new InvalidArgumentError('not a year')
}

const { user: Name, target: Target, start: Start } = RecordingQuery.shape

const mebibytes = (bytes: number): string => (bytes / 1_048_576).toFixed(1)

const createProgress = (stream: NodeJS.WriteStream) => {
  const line = createProgressLine(stream, { terminalMs: 250 })
  const show = (doneBytes: number, totalBytes: number, count: string): void => {
    const share = totalBytes > 0 ? ` ${Math.floor((100 * doneBytes) / totalBytes)} %,` : ''
    line.tell(() => `${share} ${mebibytes(doneBytes)} MiB read, ${count}`)
  }
  return { show, end: line.end }
}

const report = ({ files, sessions, events, rejected, rejectedMore }: Imported): string => {
  const kinds = Object.entries(events).map(([kind, count]) => `  ${kind}: ${count}\n`)
  const lines = rejected.slice(0, 10).map(({ file, line, reason }) => `  ${printable(`${file}:${line}: ${reason}`)}\n`)
  const count = rejected.length + rejectedMore
  const refused = count === 0 ? '' : `${count} lines not taken, such as\n${lines.join('')}`
  return `${files} files, ${sessions} sessions\n${kinds.join('')}${refused}`
}

/** For people. */
export const reportRecordings = (imported: ImportedRecordings): string => {
  const { files, sessions, unchanged, events, incomplete, rejected, rejectedMore } = imported
  const kinds = Object.entries(events).map(([kind, count]) => `  ${kind}: ${count}\n`)
  const named = (found: { file: string; reason: string }[]) =>
    found.slice(0, 10).map(({ file, reason }) => `  ${printable(`${file}: ${reason}`)}\n`)
  const cut = incomplete.length === 0 ? [] : [`${incomplete.length} incomplete, such as\n`, ...named(incomplete)]
  const count = rejected.length + rejectedMore
  const refused = count === 0 ? [] : [`${count} not taken, such as\n`, ...named(rejected)]
  const summary = `${files} recordings, ${sessions} sessions, ${unchanged} of them imported before\n`
  return [summary, ...kinds, ...cut, ...refused].join('')
}

type Options = {
  format: 'openssh' | LineFormat | FormatName
  user?: string
  target?: string
  start?: number
  bastion?: BastionName
  timezone?: string
  year?: number
  json?: boolean
  data?: string
}

type Run = { config: Config; instance: Instance; bastion: string; progress: ReturnType<typeof createProgress> }

const importLogs = async (files: string[], options: Options, { config, instance, bastion, progress }: Run) => {
  const { format, timezone: zone = config.openssh.timeZone, year } = options
  const onProgress: ImportOptions['onProgress'] = ({ doneBytes, totalBytes, events }) =>
    progress.show(doneBytes, totalBytes, `${events} events`)
  const common = { files, bastion, instance, onProgress }
  const importing = isLineFormat(format) ? importLines({ ...common, format }) : importOpenssh({ ...common, zone, year })
  const imported = await importing.finally(progress.end)
  return { imported, text: report(imported) }
}

const importFiles = async (
  paths: string[],
  format: FormatName,
  options: Options,
  { config, instance, bastion, progress }: Run,
) => {
  const imported = await importRecordings({
    ...{ paths, format, bastion, config, maxBytes },
    post: postTo(instance),
    given: givenOf(options),
    who: 'bartizan import',
    log: createLogger('import', config.log.level),
    onProgress: ({ doneBytes, totalBytes, sessions }) => progress.show(doneBytes, totalBytes, `${sessions} sessions`),
  }).finally(progress.end)
  if (imported.rejected.length > 0) process.exitCode = 1
  return { imported, text: reportRecordings(imported) }
}

const run = async (files: string[], options: Options, command: Command): Promise<void> => {
  const found = configOf(command)
  const config = { ...found, ...(options.data !== undefined && { data: options.data }) }
  const { format, bastion = config.bastion } = options
  const about = { config, bastion, instance: await findInstance(config), progress: createProgress(process.stderr) }
  const { imported, text } = isRecordingFormat(format)
    ? await importFiles(files, format, options, about)
    : await importLogs(files, options, about)
  process.stdout.write(options.json ? `${JSON.stringify(imported)}\n` : text)
}

export const importCommand = (): Command =>
  new Command('import')
    .description('Put logs and recordings of before into the running instance. The same file twice changes nothing.')
    .addOption(
      new Option('--format <format>', 'what the files are')
        .choices(['openssh', ...Object.keys(lineFormats), ...Object.keys(recordingFormats)])
        .makeOptionMandatory(),
    )
    .addOption(
      new Option('--bastion <name>', 'the host they are from (default: this host)').argParser(
        checked(BastionName, 'not a host name'),
      ),
    )
    .addOption(
      new Option('--timezone <zone>', 'of times that name none, such as Europe/Zurich').argParser(
        checked(TimeZone, 'not an IANA time zone'),
      ),
    )
    .addOption(
      new Option(
        '--year <year>',
        'of the first line, where times name none (default: by the age of the file)',
      ).argParser(yearOf),
    )
    .addOption(
      new Option('--user <name>', 'who was recorded, whatever the recording says').argParser(checked(Name, 'no name')),
    )
    .addOption(
      new Option('--target <host>', 'where, whatever the recording says').argParser(checked(Target, 'no host name')),
    )
    .addOption(
      new Option('--start <time>', 'when the recording began, RFC 3339').argParser(
        checked(Start, 'not a time such as 2026-01-31T12:00:00Z'),
      ),
    )
    .option('--data <folder>', 'of the running instance')
    .option('--json', 'print {files, sessions, events, rejected}, and for recordings {unchanged, incomplete}')
    .addArgument(
      new Argument(
        '<file...>',
        'in any order, gzip and zstd too; of a log - is standard input; recordings also in folders and below',
      ),
    )
    .addHelpText(
      'after',
      `
Examples:
  bartizan import --format openssh --bastion jump1 --timezone Europe/Zurich /var/log/auth.log*
  bartizan import --format events --bastion jump1 events.ndjson
  bartizan import --format sudo-iolog --bastion jump1 /var/log/sudo-io
  bartizan import --format asciicast --user alice --target db1 demo.cast
  bartizan import --format ttyrec --user alice --start 2026-01-31T12:00:00Z old.ttyrec.gz`,
    )
    .action(run)
