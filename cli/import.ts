import { Argument, Command, InvalidArgumentError, Option } from 'commander'
import { BastionName } from '#services/schema/ids.ts'
import { TimeZone } from '#services/schema/time-zone.ts'
import { type Imported, type ImportOptions, importOpenssh } from './import/openssh.ts'
import { findInstance } from './instance.ts'
import { configOf } from './settings.ts'

const progressEveryMs = 250
const earliestYear = 1995 // the first ssh
const latestYear = 9999

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

const mebibytes = (bytes: number): string => (bytes / 1_048_576).toFixed(1)

/** One line that is written over, on a terminal and nowhere else. */
const createProgress = (stream: NodeJS.WriteStream) => {
  let shownMs = Number.NEGATIVE_INFINITY
  const show: ImportOptions['onProgress'] = ({ doneBytes, totalBytes, events }) => {
    if (!stream.isTTY || performance.now() - shownMs < progressEveryMs) return
    shownMs = performance.now()
    const share = totalBytes > 0 ? ` ${Math.floor((100 * doneBytes) / totalBytes)} %,` : ''
    stream.write(`\r\x1b[K${share} ${mebibytes(doneBytes)} MiB read, ${events} events`)
  }
  return { show, end: () => void (Number.isFinite(shownMs) && stream.write('\r\x1b[K')) }
}

const report = ({ files, sessions, events, rejected, rejectedMore }: Imported): string => {
  const kinds = Object.entries(events).map(([kind, count]) => `  ${kind}: ${count}\n`)
  const lines = rejected.slice(0, 10).map(({ file, line, reason }) => `  ${file}:${line}: ${reason}\n`)
  const count = rejected.length + rejectedMore
  const refused = count === 0 ? '' : `${count} lines not taken, such as\n${lines.join('')}`
  return `${files} files, ${sessions} sessions\n${kinds.join('')}${refused}`
}

type Options = {
  format: string
  bastion?: BastionName
  timezone?: string
  year?: number
  json?: boolean
  data?: string
}

const run = async (files: string[], options: Options, command: Command): Promise<void> => {
  const found = configOf(command)
  const config = { ...found, ...(options.data !== undefined && { data: options.data }) }
  const progress = createProgress(process.stderr)
  const instance = await findInstance(config)
  const { bastion = config.bastion, timezone: zone = config.openssh.timeZone, year } = options
  const imported = await importOpenssh({ files, bastion, zone, year, instance, onProgress: progress.show }).finally(
    progress.end,
  )
  process.stdout.write(options.json ? `${JSON.stringify(imported)}\n` : report(imported))
}

export const importCommand = (): Command =>
  new Command('import')
    .description('Put logs of before into the running instance. The same file twice changes nothing.')
    .addOption(new Option('--format <format>', 'what the files are').choices(['openssh']).makeOptionMandatory())
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
    .option('--data <folder>', 'of the running instance')
    .option('--json', 'print {files, sessions, events, rejected}')
    .addArgument(new Argument('<file...>', 'in any order, gzip and zstd too; - is standard input'))
    .addHelpText(
      'after',
      '\nExample: bartizan import --format openssh --bastion jump1 --timezone Europe/Zurich /var/log/auth.log*',
    )
    .action(run)
