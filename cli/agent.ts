import { Command } from 'commander'
import { startAgent } from '#hooks/agent/agent.ts'
import { openAgentBus } from '#services/backends.ts'
import { createLogger } from '#services/log.ts'
import { enrolCommand, rotateCommand } from './enrol.ts'
import { keepCertificate } from './renew-certificate.ts'
import { configOf } from './settings.ts'

export const agentCommand = (): Command =>
  new Command('agent')
    .addCommand(enrolCommand())
    .addCommand(rotateCommand())
    .description('Run the agent alone: hooks, spool, uplink. `up` starts one by itself; a bastion runs only this.')
    .addHelpText(
      'after',
      '\nTakes a listening socket passed by systemd (LISTEN_FDS) as the sudo port.\nExample: bartizan --config /etc/bartizan/agent.yaml agent',
    )
    .action(async (_options: object, command: Command) => {
      const config = configOf(command)
      const log = createLogger('agent', config.log.level)
      await startAgent({ config, log, bus: config.uplink.via === 'kafka' ? openAgentBus(config, log) : null })
      keepCertificate(config, log)
    })
