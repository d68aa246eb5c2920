import { Command } from 'commander'
import { keysFolderOf, openStateImage } from '#services/backends.ts'
import { lastKeysBackup, targetOf } from '#services/backup/backup-files.ts'
import { backupKeys, type KeysBackup } from '#services/backup/backup-keys.ts'
import { backupState, type StateBackup } from '#services/backup/backup-state.ts'
import { readPassphrase } from '#services/backup/header.ts'
import { systemClock } from '#services/clock.ts'
import type { Config } from '#services/config.ts'
import { configOf } from './settings.ts'
import { showCount } from './show-count.ts'

type Options = { to: string; passphraseFile: string; json?: boolean }
type KeysOptions = Options & { withMasterKey?: boolean; incremental?: boolean }

const tellKeys = (file: string, made: KeysBackup): string => {
  const { keys, destroyed, files, after, bytes, damaged } = made
  const what = after === null ? 'all keys' : 'keys that came since the last backup'
  const lost =
    damaged.length === 0 ? '' : `\nDamaged and not in it: ${damaged.slice(0, 20).join(', ')} (${damaged.length})`
  const master = files.includes('master.key') ? '' : '\nThe master key is not in it: keep a copy of it elsewhere.'
  return `${file}: ${what}: ${keys}, ${destroyed} tombstones, ${files.join(', ') || 'nothing else'}; ${bytes} bytes${master}${lost}`
}

/** Else a session would be called erased while a backup still brings it back. */
const warnOfErasure = ({ custody }: Config): void => {
  if (custody.backupDays > 0) return
  process.stderr.write(
    'bartizan: custody.backupDays is 0, which says that no backups are kept: set how long you keep this one\n',
  )
}

const keys = (): Command =>
  new Command('keys')
    .description('Session keys (wrapped), tombstones of destroyed ones, the key of the log, the authority of agents.')
    .requiredOption('--to <file|folder>', 'a new file, or a folder in which one gets a name')
    .requiredOption('--passphrase-file <file>', 'seals it; at least 20 characters, readable by its owner alone')
    .option('--with-master-key', 'also the master key, without which no session key can be used')
    .option('--incremental', 'only what came since the last backup of keys in the folder')
    .option('--json', 'as JSON')
    .addHelpText(
      'after',
      `
May run while Bartizan does. Exit code 1 also where a key file is damaged: the rest is in the backup.
Examples:
  bartizan backup keys --to keys-backup --passphrase-file keys.pass --with-master-key
  bartizan backup keys --to keys-backup --passphrase-file keys.pass --incremental`,
    )
    .action(async (options: KeysOptions, command: Command) => {
      const config = configOf(command)
      warnOfErasure(config)
      const passphrase = await readPassphrase(options.passphraseFile)
      const after = options.incremental ? await lastKeysBackup(options.to) : null
      const file = await targetOf(options.to, 'keys', systemClock.now())
      const count = showCount('keys')
      const made = await backupKeys({
        folder: keysFolderOf(config),
        withMasterKey: options.withMasterKey === true,
        ...{ file, passphrase, after, progress: count.show },
      }).finally(count.clear)
      process.stdout.write(`${options.json ? JSON.stringify({ file, ...made }) : tellKeys(file, made)}\n`)
      if (made.damaged.length > 0) process.exitCode = 1
    })

const state = (): Command =>
  new Command('state')
    .description('What people made: tokens, decisions about alerts, approvals, custody; and what rules have learnt.')
    .requiredOption('--to <file|folder>', 'a new file, or a folder in which one gets a name')
    .requiredOption('--passphrase-file <file>', 'seals it; at least 20 characters, readable by its owner alone')
    .option('--json', 'as JSON')
    .addHelpText(
      'after',
      `
How it stands at one moment, while Bartizan runs. It holds no key of a session.
Example: bartizan backup state --to state-backup --passphrase-file state.pass`,
    )
    .action(async (options: Options, command: Command) => {
      const config = configOf(command)
      warnOfErasure(config)
      const passphrase = await readPassphrase(options.passphraseFile)
      const file = await targetOf(options.to, 'state', systemClock.now())
      const image = await openStateImage(config)
      const count = showCount('entries')
      let made: StateBackup
      try {
        made = await backupState({ image, file, passphrase, clock: systemClock, progress: count.show })
      } finally {
        count.clear()
        await image.close()
      }
      const text = `${file}: ${made.entries} entries, ${made.bytes} bytes; ${made.leftOut} that mean nothing later left out`
      process.stdout.write(`${options.json ? JSON.stringify({ file, ...made }) : text}\n`)
    })

export const backupCommand = (): Command => {
  const command = new Command('backup').description('Copies of keys and of state, sealed and apart from each other.')
  for (const sub of [keys, state]) command.addCommand(sub())
  return command
}
