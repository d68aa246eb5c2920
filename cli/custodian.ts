import { Command } from 'commander'
import { keysFolderOf, openDisposalStore, openEvidence, openPresentState, withStoreLogin } from '#services/backends.ts'
import { systemClock } from '#services/clock.ts'
import type { Config } from '#services/config.ts'
import { createCustody } from '#services/custody/custody.ts'
import { type CustodyReport, makeReport, reportLines } from '#services/custody/report.ts'
import { BartizanError } from '#services/errors.ts'
import { readLogSigner } from '#services/keys/log-key.ts'
import { createLogger } from '#services/log.ts'
import { verifierOf } from '#services/proofs/note.ts'
import { configOf } from './settings.ts'

const clock = systemClock

/** Reads only, also beside a running instance. */
const report = async (config: Config): Promise<CustodyReport> => {
  const log = createLogger('custody', 'error')
  const signer = await readLogSigner(keysFolderOf(config))
  if (signer === null)
    throw new BartizanError('BTZ_KEY_NOT_FOUND', `${keysFolderOf(config)} holds no key of the log`, {
      hint: 'name the folder of keys with BARTIZAN_KEYS_FOLDER, or the data folder with BARTIZAN_DATA',
    })
  const state = await openPresentState(config, log)
  const store = await openDisposalStore(config, clock)
  const recordings = await openEvidence(config, null, clock, log, () => {})
  try {
    const custody = createCustody({ state, clock })
    return await makeReport({ custody, store, recordings, verifier: verifierOf(signer), clock })
  } finally {
    await Promise.all([state.close(), store.close(), recordings.close()])
  }
}

const reportCommand = (): Command =>
  new Command('report')
    .description(
      'How much evidence is held, ends soon, was disposed of, is erased; holds that nobody thinks of any more.',
    )
    .option('--json', 'as JSON')
    .action(async ({ json }: { json?: boolean }, command: Command) => {
      const found = await report(withStoreLogin(configOf(command), 'custodian'))
      process.stdout.write(`${json ? JSON.stringify(found) : reportLines(found).join('\n')}\n`)
    })

export const custodyCommand = (): Command => {
  const command = new Command('custody').description('What people decided about evidence, all of it together.')
  command.addCommand(reportCommand())
  return command.addHelpText(
    'after',
    '\nThe same goes to every destination each night as an event (custody.report).\nExample: bartizan custody report',
  )
}
