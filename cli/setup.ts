import { Command } from 'commander'
import { grantCluster, setUpCluster } from '#services/cluster-setup.ts'
import { BartizanError } from '#services/errors.ts'
import { createLogger } from '#services/log.ts'
import { configOf } from './settings.ts'

export const setupCommand = (): Command =>
  new Command('setup')
    .description(
      'Make the topics, templates and bucket of a cluster where they are missing. Of what is there it changes only terms of texts that an older version indexed.',
    )
    .option(
      '--grant',
      'also let the users of Kafka and of the store that are named as the roles (`receiver`, `ingest`, …) do what these need; replaces the policy of the bucket',
    )
    .addHelpText(
      'after',
      '\nNeeds BARTIZAN_BACKEND=cluster and users that may set up. Run it once, and after an update.\nExample: BARTIZAN_BACKEND=cluster BARTIZAN_KAFKA_USERNAME=admin … bartizan setup',
    )
    .action(async (options: { grant?: boolean }, command: Command) => {
      const config = configOf(command)
      if (config.backend !== 'cluster') {
        throw new BartizanError('BTZ_CONFIG_INVALID', `there is nothing to set up: backend is ${config.backend}`, {
          hint: 'set BARTIZAN_BACKEND=cluster; an embedded instance sets itself up',
        })
      }
      const log = createLogger('setup', config.log.level)
      await setUpCluster(config, log)
      if (options.grant) await grantCluster(config, log)
      process.stdout.write(
        `Topics, templates and bucket stand${options.grant ? ', and the roles have their rights' : ''}.\n`,
      )
    })
