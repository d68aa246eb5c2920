import { enableCompileCache, getCompileCacheDir } from 'node:module'
import { fileURLToPath } from 'node:url'
import { Command } from 'commander'
import { BartizanError } from '#services/errors.ts'
import { version } from '#services/version.ts'
import { commandsFor } from './commands.ts'
import { explain } from './explain.ts'

// Beside the packages, and not in the machine's common folder: who can write there runs code in us.
enableCompileCache(fileURLToPath(new URL('../node_modules/.cache/compile', import.meta.url)))
const cacheFolder = getCompileCacheDir()
if (cacheFolder) process.env.NODE_COMPILE_CACHE = cacheFolder // for threads and the agent

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

const commands = await commandsFor(process.argv.slice(2))
// What stands behind `record` are the options of another program.
if (commands.some((command) => command.name() === 'record')) program.enablePositionalOptions()
for (const command of commands) program.addCommand(command)
/** Wrong usage ends with 2, or with 3 where 2 says something of evidence; commander itself says 1. */
const endWithOurCodes = (command: Command): void => {
  const wrongUsage = command.name() === 'verify' ? 3 : 2
  command.configureOutput({ outputError: (text, write) => write(`bartizan: ${text.replace(/^error: /, '')}`) })
  command.exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : wrongUsage))
  for (const sub of command.commands) endWithOurCodes(sub)
}
endWithOurCodes(program)

try {
  await program.parseAsync()
} catch (error) {
  process.stderr.write(`bartizan: ${explain(error)}\n`)
  process.exit(error instanceof BartizanError && error.code === 'BTZ_CONFIG_INVALID' ? 2 : 1)
}
