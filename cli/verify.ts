import { resolve, sep } from 'node:path'
import { Command, Option } from 'commander'
import { createAgentKeys } from '#services/access/agent-keys.ts'
import { openEvidence, openPresentKeys, openPresentState } from '#services/backends.ts'
import { systemClock } from '#services/clock.ts'
import type { Config } from '#services/config.ts'
import { BartizanError, hasCode } from '#services/errors.ts'
import type { KeyId } from '#services/keys/key-store.ts'
import { createLogger, type Logger } from '#services/log.ts'
import { evidenceFolder, evidenceRoots } from '#services/recordings/recording-key.ts'
import { BastionName, SessionId } from '#services/schema/ids.ts'
import { exitCodes, type Finding, type Level, type Verdict, worst } from '#services/verify/finding.ts'
import type { Scope } from '#services/verify/scope.ts'
import type { ContentKeys } from '#services/verify/v0/session.ts'
import { type Report, verifyEvidence } from '#services/verify/verify-evidence.ts'
import { explain } from './explain.ts'
import { configOf } from './settings.ts'
import { bundleReports, isBundle } from './verify-bundle.ts'
import { type LogOptions, logToAsk } from './verify-log.ts'
import { createVerifyOutput, type VerifyOutput } from './verify-output.ts'

type Options = LogOptions & { level: Level; data?: string; folder?: string; json?: boolean }

const keyFaults = {
  BTZ_KEY_DESTROYED: 'erased',
  BTZ_KEY_NOT_FOUND: 'key-missing',
  BTZ_KEY_INVALID: 'key-damaged',
} as const

/** The session keys and the agents' keys of this installation, read where they are. */
const openKeys = async (config: Config, log: Logger): Promise<ContentKeys & { close(): Promise<void> }> => {
  const keys = await openPresentKeys(config, systemClock)
  const state = await openPresentState(config, log).catch(async (error: unknown) => {
    await keys.close()
    throw error
  })
  const agentKeys = createAgentKeys({ state, clock: systemClock })
  return {
    keyOf: async (keyId) => {
      try {
        return { key: await keys.get(keyId as KeyId) }
      } catch (error) {
        const code = (Object.keys(keyFaults) as (keyof typeof keyFaults)[]).find((each) => hasCode(error, each))
        if (code === undefined) throw error
        return { what: keyFaults[code], detail: (error as Error).message }
      }
    },
    agentKeys: (bastion) => agentKeys.list(BastionName.parse(bastion)),
    close: async () => {
      await Promise.all([keys.close(), state.close()])
    },
  }
}

/** Below a folder of evidence one may also point: `<copy>/evidence/v1/2026-01-31`. */
const placeOf = (folder: string): { root: string; prefix: string } => {
  const path = resolve(folder)
  const at = evidenceRoots.map((root) => `${path}${sep}`.indexOf(`${sep}${root}${sep}`)).find((found) => found >= 0)
  if (at === undefined) return { root: path, prefix: `${evidenceFolder}/` }
  return { root: path.slice(0, at) || sep, prefix: `${path.slice(at + 1)}/` }
}

const scopeOf = (what: string | undefined, prefix: string): Scope => {
  if (what === undefined) return { prefix }
  if (SessionId.safeParse(what).success) return { sessionId: what }
  if (what.startsWith(`${evidenceFolder}/`)) return { prefix: what }
  throw new BartizanError(
    'BTZ_REQUEST_INVALID',
    `${JSON.stringify(what.slice(0, 100))} is no session id and no prefix`,
    {
      hint: `a prefix of evidence begins with ${evidenceFolder}/`,
    },
  )
}

/** Of stored evidence, or of a copy of it. `tell`: what the store itself finds. */
async function* storedReports(
  config: Config,
  what: string | undefined,
  options: Options,
  output: VerifyOutput,
  tell: (finding: Finding) => void,
): AsyncGenerator<Report> {
  const log = createLogger('verify', 'error')
  const place = options.folder === undefined ? null : placeOf(options.folder)
  const scope = scopeOf(what, place?.prefix ?? `${evidenceFolder}/`)
  const source = await openEvidence(config, place?.root ?? null, systemClock, log, ({ key, detail }) =>
    tell({ level: 'sealed', verdict: 'tampered', what: 'versions', where: { key }, detail }),
  )
  try {
    const ask = await logToAsk(config, options, source, place !== null)
    if ('reason' in ask) output.notAsked(ask.reason)
    const keys = options.level === 'content' ? await openKeys(config, log) : null
    try {
      yield* verifyEvidence(source, scope, keys, output.progress, 'reason' in ask ? null : ask)
    } finally {
      await keys?.close()
    }
  } finally {
    await source.close()
  }
}

const run = async (config: Config, what: string | undefined, options: Options): Promise<Verdict | 'ok'> => {
  const output = createVerifyOutput(options.level, options.json === true)
  const verdicts = new Set<Verdict>()
  const tell = (finding: Finding): void => {
    verdicts.add(finding.verdict)
    output.finding(finding)
  }
  const reports = isBundle(what)
    ? bundleReports(config, what, options, output.progress)
    : storedReports(config, what, options, output, tell)
  try {
    for await (const report of reports) {
      if (report.type === 'finding') tell(report.finding)
      else if (report.type === 'log') output.log(report.log, report.verdict)
      else output.checked(report.checked, report.verdict)
    }
  } finally {
    output.clear()
  }
  const verdict = worst(verdicts)
  output.summary(verdict)
  return verdict
}

export const verifyCommand = (): Command =>
  new Command('verify')
    .description(
      'Check evidence: that nobody altered it, and where somebody did. Reads only, needs no running instance.',
    )
    .argument(
      '[what]',
      'a session id, a prefix of keys, or a bundle (FILE.tar, - for standard input); absent: everything',
    )
    .addOption(
      new Option(
        '--level <level>',
        'sealed: digests, manifests, locks, the transparency log, without a secret; content: plus chain and signatures',
      )
        .choices(['sealed', 'content'])
        .default('sealed'),
    )
    .option('--data <folder>', 'a data folder: evidence, session keys and agent keys; absent: as configured')
    .option('--folder <folder>', 'evidence copied elsewhere: the folder that holds evidence/v1, or one below it')
    .option(
      '--log-key <key>',
      'the public key of the transparency log, or a file with it; absent: that of this installation, where it can be read',
    )
    .option(
      '--since <file>',
      'a checkpoint of the log that was kept elsewhere, or the event that carried it: the log must go on from it; repeatable',
      (file: string, before: string[] | undefined) => [...(before ?? []), file],
    )
    .option('--json', 'one JSON object per line: {type: finding | log | checked | summary, …}')
    .addHelpText(
      'after',
      `
With backend cluster the evidence is that in the bucket, and it is checked that each object is really locked.
Examples:
  bartizan verify                                        all evidence of the data folder
  bartizan verify --level content 01890a5d-ac96-774b-bcce-b302099a8057
  bartizan verify --folder /mnt/copy --json              a copy; session keys and agent keys are those configured
  bartizan verify --folder /mnt/copy/evidence/v1/2026-01-31
  bartizan verify --log-key log.pub session.tar          an exported bundle, on any machine
  bartizan verify --log-key log.pub --since kept-checkpoint    nothing of what was there then may be gone or changed

The log is read as a whole, before the evidence. Without its key it is not asked, which is said, and then a session that is
gone as a whole is not seen. What was sealed within the last minute and stands in no checkpoint yet is incomplete.

Exit codes: 0 ok, 1 tampered, 2 incomplete, 3 cannot tell (also: could not be run).`,
    )
    .action(async (what: string | undefined, options: Options, command: Command) => {
      try {
        const config = configOf(command)
        const data =
          options.data === undefined ? {} : { data: options.data, backend: 'embedded' as const, keysFolder: undefined }
        const verdict = await run({ ...config, ...data }, what, options)
        process.exitCode = verdict === 'ok' ? 0 : exitCodes[verdict]
      } catch (error) {
        process.stderr.write(`bartizan: ${explain(error)}\n`)
        process.exitCode = exitCodes.unknown // 1 and 2 say something of the evidence
      }
    })
