import { userInfo } from 'node:os'
import { Command, InvalidArgumentError } from 'commander'
import { createLogWriter } from '#ingest/log/log-writer.ts'
import { openBackends, openDisposalStore, openPresentState, withStoreLogin } from '#services/backends.ts'
import { systemClock } from '#services/clock.ts'
import type { Config } from '#services/config.ts'
import { createCustody } from '#services/custody/custody.ts'
import { planDisposal, runDisposal, type Tally } from '#services/custody/dispose/dispose.ts'
import { BartizanError } from '#services/errors.ts'
import { createLogger } from '#services/log.ts'
import { createIsLogged } from '#services/proofs/is-logged.ts'
import { verifierOf } from '#services/proofs/note.ts'
import { lockWhereAlone } from './data-lock.ts'
import { createProgressLine } from './progress-line.ts'
import { configOf } from './settings.ts'
import { createRegistry } from './stages/stage.ts'

type Options = { yes?: boolean; reason?: string; limit: number; json?: boolean }

const waitForLogMs = 10 * 60_000
const clock = systemClock

const summaryOf = ({ objects, sizeBytes, sessions, kept }: Tally, isDone: boolean): string => {
  const what = isDone ? 'disposed of' : 'to be disposed of'
  const ended = isDone ? `, nothing is left of ${sessions} sessions` : ''
  return [
    `${objects} objects, ${(sizeBytes / 1024 / 1024).toFixed(1)} MiB ${what}${ended}`,
    `kept: ${kept.retained} within their retention, ${kept.held} held, ${kept.undated} without a date`,
  ].join('\n')
}

const countLine = ({ objects, kept }: Tally): string =>
  `${objects} objects; kept ${kept.retained + kept.held + kept.undated}`

/** Looks only, and may do so beside a running instance. */
const plan = async (config: Config, tell: (tally: Tally) => void): Promise<Tally> => {
  const state = await openPresentState(config, createLogger('dispose', 'error'))
  const store = await openDisposalStore(config, clock)
  try {
    return await planDisposal({ store, custody: createCustody({ state, clock }) }, tell)
  } finally {
    await Promise.all([store.close(), state.close()])
  }
}

/** Embedded: nothing else has the data folder meanwhile, and this process writes the log. On a cluster ingest does. */
const openPlace = async (config: Config) => {
  const lock = await lockWhereAlone(config, 'dispose')
  const isAlone = lock !== null
  const log = createLogger('dispose', 'warn')
  const backends = await openBackends(config, clock, log)
  const store = await openDisposalStore(config, clock)
  const { maxRetentionYears } = config.recordings
  const shared = { ...backends, clock, maxRetentionYears }
  const settings = { bastion: config.bastion, log, registry: createRegistry() }
  const logWriter = isAlone ? await createLogWriter({ ...shared, ...settings }) : null
  const context = {
    ...{ ...backends, store, acts: shared, custody: createCustody({ ...backends, clock }) },
    isLogged: createIsLogged(backends.recordings, verifierOf(backends.logKey)),
    checkpoint: async () => logWriter?.drain(),
    pollMs: isAlone ? 50 : 2_000,
    limitMs: waitForLogMs,
  }
  const close = async () => {
    await logWriter?.close()
    await Promise.all([backends.close(), store.close()])
    await lock?.release()
  }
  return { context, close }
}

const dispose = async (config: Config, { reason, limit }: Options, tell: (tally: Tally) => void): Promise<Tally> => {
  if (reason === undefined)
    throw new BartizanError('BTZ_REASON_REQUIRED', 'why? It stands in the act that is kept', { hint: 'add --reason' })
  const { context, close } = await openPlace(config)
  const by = { did: 'requested', name: userInfo().username, role: 'admin', id: 'dispose' } as const
  try {
    return await runDisposal(context, { reason, by, limit, tell })
  } finally {
    await close()
  }
}

const count = (text: string): number => {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('not a number from 1 on')
}

export const disposeCommand = (): Command =>
  new Command('dispose')
    .description(
      'Delete evidence that is past its retention and that no hold is on: says which first, in the log of evidence. Without --yes it only tells.',
    )
    .option('--yes', 'delete it')
    .option('--reason <text>', 'why; stands in the act about it')
    .option('--limit <n>', 'at most so many objects', count, 100_000)
    .option('--json', 'as JSON')
    .addHelpText(
      'after',
      '\nEmbedded: the instance has to be stopped for --yes. On a cluster: with credentials of its own (s3.disposer), ingest running.\nKilled in the middle, the next run does the rest first.\nExample: bartizan dispose --yes --reason "retention of 2025 has ended"',
    )
    .action(async (options: Options, command: Command) => {
      const config = withStoreLogin(configOf(command), 'disposer')
      const progress = createProgressLine(process.stderr, { terminalMs: 200 })
      const tell = (tally: Tally): void => progress.tell(() => countLine(tally))
      const isDone = options.yes === true
      const tally = await (isDone ? dispose(config, options, tell) : plan(config, tell)).finally(progress.end)
      const line = options.json
        ? JSON.stringify({ type: isDone ? 'disposed' : 'plan', ...tally })
        : summaryOf(tally, isDone)
      process.stdout.write(`${line}\n`)
    })
