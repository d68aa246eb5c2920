import { Command } from 'commander'
import { createHeartbeats } from '#services/agents/heartbeats.ts'
import { keysFolderOf, openEvidence, openPresentState, openStateImage } from '#services/backends.ts'
import { backupsIn } from '#services/backup/backup-files.ts'
import { readPassphrase } from '#services/backup/header.ts'
import { type KeysRestored, restoreKeys } from '#services/backup/restore-keys.ts'
import { restoreState, type StateRestored } from '#services/backup/restore-state.ts'
import { systemClock } from '#services/clock.ts'
import type { Config } from '#services/config.ts'
import { BartizanError } from '#services/errors.ts'
import { readLogSigner } from '#services/keys/log-key.ts'
import { createLogger } from '#services/log.ts'
import { makeFolder } from '#services/make-folder.ts'
import { verifierOf } from '#services/proofs/note.ts'
import { lockData } from './data-lock.ts'
import { configOf } from './settings.ts'
import { showCount } from './show-count.ts'

type Options = { from: string[]; passphraseFile: string; dryRun?: boolean; json?: boolean }
type StateOptions = Omit<Options, 'from'> & { from: string; force?: boolean }

const shown = 20
const heardWithinMs = 90_000 // receivers note each agent every 30 s

const someOf = (title: string, items: readonly string[]): string =>
  items.length === 0
    ? ''
    : `\n${title} (${items.length}):${items
        .slice(0, shown)
        .map((item) => `\n  ${item}`)
        .join('')}${items.length > shown ? '\n  …' : ''}`

const log = () => createLogger('restore', 'error')

/** Nobody else uses the data folder meanwhile. @throws BTZ_DATA_LOCKED */
const withFolder = async <T>(config: Config, work: () => Promise<T>): Promise<T> => {
  await makeFolder(config.data)
  const lock = await lockData(config, 'restore')
  try {
    return await work()
  } finally {
    await lock.release()
  }
}

/** Agents are noted by the roles that run. @throws BTZ_DATA_LOCKED */
const checkNobodyRuns = async (config: Config): Promise<void> => {
  const state = await openPresentState(config, log())
  try {
    const heartbeats = await createHeartbeats({ state, clock: systemClock, log: log() }).list()
    const heard = heartbeats.find(({ atMs }) => systemClock.now() - atMs < heardWithinMs)
    if (heard === undefined) return
    throw new BartizanError('BTZ_DATA_LOCKED', `a receiver heard ${heard.bastion} within ${heardWithinMs / 1000} s`, {
      hint: 'stop every role of this cluster first, and wait for as long',
    })
  } finally {
    await state.close()
  }
}

const withEvidence = async <T>(
  config: Config,
  work: (evidence: Awaited<ReturnType<typeof openEvidence>>) => Promise<T>,
): Promise<T> => {
  const evidence = await openEvidence(config, null, systemClock, log(), () => undefined)
  try {
    return await work(evidence)
  } finally {
    await evidence.close()
  }
}

const tellKeys = (done: KeysRestored, isDry: boolean): string => {
  const { restored, present, tombstones, files, masterKey } = done
  const kept = done.destroyed.map(
    ({ id, by }) => `${id}: ${by === 'act' ? 'a signed act of erasure' : 'its tombstone'}`,
  )
  return [
    `${isDry ? 'Would restore' : 'Restored'} ${restored} keys (${present} were there), ${tombstones} tombstones, ${files.join(', ') || 'no other file'}`,
    someOf('Not restored, because it was destroyed', kept),
    someOf('Not restored, because there is another key', done.conflicts),
    someOf('Acts of custody that our log did not sign, not taken into account', done.unproven),
    masterKey === 'there'
      ? ''
      : '\nThe master key is missing: put master.key into the folder of the keys before the start.',
  ].join('')
}

const keys = (): Command =>
  new Command('keys')
    .description('Session keys that are missing. Replaces nothing; what was destroyed does not come back.')
    .requiredOption(
      '--from <file|folder...>',
      'a full backup and the incremental ones since, or the folder that holds them',
    )
    .requiredOption('--passphrase-file <file>', 'what they were sealed with')
    .option('--dry-run', 'check everything and say what would be done')
    .option('--json', 'as JSON')
    .addHelpText(
      'after',
      `
Reads evidence, too: a session whose erasure stands there signed stays erased.
Exit code 1 also where a key was there with another content, or an act of custody was not signed by our log.
Example: bartizan restore keys --from keys-backup --passphrase-file keys.pass`,
    )
    .action(async (options: Options, command: Command) => {
      const config = configOf(command)
      const passphrase = await readPassphrase(options.passphraseFile)
      const files = (await Promise.all(options.from.map((from) => backupsIn(from, 'keys')))).flat()
      const dryRun = options.dryRun === true
      const count = showCount('keys')
      const restore = (): Promise<KeysRestored> =>
        withEvidence(config, (evidence) =>
          restoreKeys({
            ...{ folder: keysFolderOf(config), files, passphrase, evidence, dryRun },
            ...{ clock: systemClock, progress: count.show },
          }),
        )
      const done = await (config.backend === 'embedded' ? withFolder(config, restore) : restore()).finally(count.clear)
      process.stdout.write(`${options.json ? JSON.stringify({ dryRun, ...done }) : tellKeys(done, dryRun)}\n`)
      if (done.conflicts.length > 0 || done.unproven.length > 0) process.exitCode = 1
    })

const tellState = ({ entries, replaced, createdAt, unknownActs, unproven }: StateRestored, isDry: boolean): string => {
  const acts = unknownActs.map(({ kind, sessionId, at }) => `${at} ${kind} ${sessionId ?? ''}`)
  return [
    `${isDry ? 'Would restore' : 'Restored'} ${entries} entries of ${createdAt} in place of ${replaced}`,
    someOf('Decided about evidence since, which this state does not know', acts),
    someOf('Acts of custody that our log did not sign', unproven),
    '\nTokens, certificates and approvals are as they were then: revoke again what was revoked since.',
  ].join('')
}

const runState = async (config: Config, options: StateOptions): Promise<StateRestored> => {
  const passphrase = await readPassphrase(options.passphraseFile)
  if (config.backend === 'cluster') await checkNobodyRuns(config)
  const image = await openStateImage(config)
  const count = showCount('entries')
  try {
    const signer = await readLogSigner(keysFolderOf(config))
    const verifier = signer && verifierOf(signer)
    const { force = false, dryRun = false, from: file } = options
    return await withEvidence(config, (evidence) =>
      restoreState({ image, evidence, verifier, file, passphrase, force, dryRun, progress: count.show }),
    )
  } finally {
    count.clear()
    await image.close()
  }
}

const state = (): Command =>
  new Command('state')
    .description('The state as it was. Nothing may run; killed in between, the old one stands whole.')
    .requiredOption('--from <file>', 'the backup')
    .requiredOption('--passphrase-file <file>', 'what it was sealed with')
    .option('--force', 'replace the state that is there')
    .option('--dry-run', 'check everything and say what would be done')
    .option('--json', 'as JSON')
    .addHelpText(
      'after',
      `
On a cluster stop every role first. Restore the keys before, so that acts of custody can be read.
Example: bartizan restore state --from state-backup/bartizan-state-….backup --passphrase-file state.pass`,
    )
    .action(async (options: StateOptions, command: Command) => {
      const config = configOf(command)
      const run = () => runState(config, options)
      const done = await (config.backend === 'embedded' ? withFolder(config, run) : run())
      const dryRun = options.dryRun === true
      process.stdout.write(`${options.json ? JSON.stringify({ dryRun, ...done }) : tellState(done, dryRun)}\n`)
    })

export const restoreCommand = (): Command => {
  const command = new Command('restore').description('Bring keys or state back from a backup.')
  for (const sub of [keys, state]) command.addCommand(sub())
  return command
}
