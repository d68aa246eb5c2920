/** The real engines, for tests and for trying the cluster: `scripts/services --help`. */
import { constants } from 'node:os'
import { resolve } from 'node:path'
import { Command, InvalidArgumentError, Option } from 'commander'
import { Services } from '#test/helpers/cluster.ts'
import { type EngineName, engineNames } from './engines.ts'
import { type ProcessIdentity, stopProcess } from './process-identity.ts'
import { defaultFolder, down, runs, up } from './run.ts'
import { type RunState, readState, servicesFile } from './run-state.ts'
import { exportLines, settingsFor } from './settings.ts'

const say = (line: string): void => void process.stderr.write(`${line}\n`)
const print = (value: unknown): void => void process.stdout.write(`${JSON.stringify(value, null, 2)}\n`)

/** An `up` that is broken off leaves nothing running. */
const stopOnSignal = (started: ProcessIdentity[]): void => {
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, async () => {
      say(`${signal}: stopping what was started`)
      await Promise.all(started.map((identity) => stopProcess(identity)))
      process.exit(128 + constants.signals[signal])
    })
}

const parseNames = (text: string): EngineName[] =>
  text.split(',').map((name) => {
    const known = engineNames.find((engine) => engine === name)
    if (!known) throw new InvalidArgumentError(`There is no engine "${name.slice(0, 40)}": ${engineNames.join(', ')}.`)
    return known
  })

const addressOf = ({ kafka, s3, elasticsearch }: RunState['services'], name: EngineName): string =>
  ({ kafka: kafka?.brokers.join(','), s3: s3?.endpoint, elasticsearch: elasticsearch?.url })[name] ?? '-'

type Line = { engine: EngineName; state: 'up' | 'ended' | 'down'; address: string; pids: number[] }

const statusOf = async (state: RunState | null, engine: EngineName): Promise<Line> => {
  if (!state) return { engine, state: 'down', address: '-', pids: [] }
  const pids = state.processes.filter((entry) => entry.engine === engine).map(({ pid }) => pid)
  const isUp = await runs(state, engine)
  return {
    engine,
    state: isUp ? 'up' : pids.length > 0 ? 'ended' : 'down',
    address: addressOf(state.services, engine),
    pids: isUp ? pids : [],
  }
}

const status = async (folder: string, json: boolean): Promise<void> => {
  const state = readState(resolve(folder))
  const lines = await Promise.all(engineNames.map((engine) => statusOf(state, engine)))
  if (json) print(lines)
  else
    for (const line of lines)
      process.stdout.write(`${line.engine.padEnd(14)} ${line.state.padEnd(6)} ${line.address}\n`)
  process.exitCode = lines.every((line) => line.state === 'up') ? 0 : 3
}

const folderOption = () =>
  new Option('--folder <folder>', 'where they run: data, logs, services.json').default(defaultFolder())
const jsonOption = () => new Option('--json', 'JSON on stdout').default(false)

const program = new Command('services')
  .description('Real Kafka, S3 store with Object Lock, and Elasticsearch, on loopback, for tests.')
  .addHelpText(
    'after',
    `
Examples:
  scripts/services up                    the three; the first time downloads 180 MB and compiles
  TEST_SERVICES=<folder>/services.json npm test
  eval "$(scripts/services env)"         the settings with which Bartizan runs on them
  scripts/services down                  stops what was started in the folder, and removes its data

Needs Linux, Java 17, a JDK of 21 or later, Maven, Go 1.26. What is downloaded is pinned by checksum and kept in
$XDG_CACHE_HOME/bartizan or ~/.cache/bartizan (root: /var/cache/bartizan). Where a Docker engine answers, \`up\` takes the
engines' images instead (scripts/engines/docker/compose.yml): this way has not been run yet; --no-docker avoids it.

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 (status) not all of them are up.`,
  )

program
  .command('up')
  .description('start what does not run yet, and wait until it is ready')
  .addOption(folderOption())
  .addOption(jsonOption())
  .addOption(new Option('--only <names>', `of ${engineNames.join(',')}`).argParser(parseNames).default(engineNames))
  .option('--no-docker', 'not by Docker, even where there is one')
  .action(async (options: { folder: string; json: boolean; only: EngineName[]; docker: boolean }) => {
    const started: ProcessIdentity[] = []
    stopOnSignal(started)
    const services = await up({ ...options, say, onStart: (identity) => started.push(identity) })
    if (options.json) return print(services)
    for (const name of engineNames) process.stdout.write(`${name.padEnd(14)} ${addressOf(services, name)}\n`)
    process.stdout.write(`TEST_SERVICES=${servicesFile(resolve(options.folder))}\n`)
  })

program
  .command('down')
  .description('stop what `up` started in the folder, nothing else, and remove its data')
  .addOption(folderOption())
  .action(async ({ folder }: { folder: string }) => {
    say((await down(folder)) ? 'stopped; their data is removed' : `nothing was started in ${resolve(folder)}`)
  })

program
  .command('env')
  .description('the settings with which Bartizan runs on them, for a shell')
  .addOption(folderOption())
  .addHelpText('after', '\nExample: eval "$(scripts/services env)"')
  .action(({ folder }: { folder: string }) => {
    const services = Services.safeParse(readState(resolve(folder))?.services)
    if (!services.success) throw new Error('not all of them are up: `scripts/services up` starts what is missing')
    process.stdout.write(exportLines(settingsFor(services.data, resolve(folder))))
  })

program
  .command('status')
  .description('what runs')
  .addOption(folderOption())
  .addOption(jsonOption())
  .action(({ folder, json }: { folder: string; json: boolean }) => status(folder, json))

for (const command of [program, ...program.commands])
  command.exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2))

try {
  await program.parseAsync()
} catch (error) {
  say(`services: ${(error as Error).message}`)
  process.exit(1)
}
