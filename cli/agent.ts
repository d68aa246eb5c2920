import { Command } from 'commander'
import { startAgent } from '#hooks/agent/agent.ts'
import { createLogger } from '#services/log.ts'
import { enrolCommand, rotateCommand } from './enrol.ts'
import { keepCertificate } from './renew-certificate.ts'
import { configOf } from './settings.ts'

export const agentCommand = (): Command =>
  new Command('agent')
    .addCommand(enrolCommand())
    .addCommand(rotateCommand())
    .description('Run the agent alone: hooks, spool, uplink. `up` starts one by itself; a bastion runs only this.')
    .option('--standby', "only take sudo's sessions, on a socket passed by systemd, and end when there are none")
    .addHelpText(
      'after',
      '\nTakes listening sockets passed by systemd (LISTEN_FDS, LISTEN_FDNAMES) as the ports of sudo and `bartizan record`.\nExample: bartizan --config /etc/bartizan/agent.yaml agent',
    )
    .action(async ({ standby: isStandby = false }: { standby?: boolean }, command: Command) => {
      const config = configOf(command)
      const log = createLogger('agent', config.log.level)
      await startAgent({
        config,
        log,
        bus: config.uplink.via === 'kafka' ? (await import('#services/backends.ts')).openAgentBus(config, log) : null,
        isStandby,
      })
      if (!isStandby) keepCertificate(config, log)
    })
