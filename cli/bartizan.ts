import { Command } from 'commander'
import { BartizanError } from '#services/errors.ts'
import { version } from '#services/version.ts'
import { agentCommand } from './agent.ts'
import { backtestCommand } from './backtest.ts'
import { configCommand } from './config.ts'
import { deadLettersCommand } from './dead-letters.ts'
import { doctorCommand } from './doctor/doctor.ts'
import { importCommand } from './import.ts'
import { loginCommand } from './login.ts'
import { roleCommands } from './roles.ts'
import { setupCommand } from './setup.ts'
import { sinksCommand } from './sinks.ts'
import { tokenCommand } from './token.ts'
import { upCommand } from './up.ts'

/** Exit codes: 0 done · 1 failed · 2 wrong usage or configuration. */
const program = new Command('bartizan')
  .description('Session recording, audit and anomaly alerting for bastion hosts.')
  .version(version)
  .option('-c, --config <file>', 'configuration file', process.env.BARTIZAN_CONFIG)
  .showHelpAfterError('(--help shows what there is)')
  .addHelpText(
    'after',
    `
Examples:
  bartizan up                              start everything on this machine
  bartizan login                           print a new one-time sign-in link
  bartizan token create --role analyst     a token for a program or a colleague
  bartizan config --print                  all settings with their meaning
  bartizan doctor                          what is wrong, and how to mend it

Exit codes: 0 done, 1 failed, 2 wrong usage or configuration.`,
  )

for (const command of [
  upCommand,
  agentCommand,
  ...roleCommands,
  loginCommand,
  importCommand,
  tokenCommand,
  configCommand,
  backtestCommand,
  setupCommand,
  doctorCommand,
  sinksCommand,
  deadLettersCommand,
])
  program.addCommand(command())
/** Wrong usage ends with 2 everywhere; commander itself says 1. */
const endWithOurCodes = (command: Command): void => {
  command.configureOutput({ outputError: (text, write) => write(`bartizan: ${text.replace(/^error: /, '')}`) })
  command.exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2))
  for (const sub of command.commands) endWithOurCodes(sub)
}
endWithOurCodes(program)

const explain = (error: unknown): string => {
  if (!(error instanceof BartizanError)) return error instanceof Error ? (error.stack ?? error.message) : String(error)
  return `${error.message}${error.hint ? `\n  ${error.hint}` : ''} (${error.code})`
}

try {
  await program.parseAsync()
} catch (error) {
  process.stderr.write(`bartizan: ${explain(error)}\n`)
  process.exit(error instanceof BartizanError && error.code === 'BTZ_CONFIG_INVALID' ? 2 : 1)
}
