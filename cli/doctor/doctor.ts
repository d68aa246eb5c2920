import { Command, Option } from 'commander'
import { systemClock } from '#services/clock.ts'
import type { Finding } from '#services/finding.ts'
import { configOf } from '../settings.ts'
import { agentState } from './agent.ts'
import { type Check, runChecks } from './check.ts'
import { clocks } from './clock.ts'
import { clusterEngines, type Role, roles } from './cluster.ts'
import { dataFolder } from './data-folder.ts'
import { diskSpace } from './disk-space.ts'
import { enrolment } from './enrolment.ts'
import { heartbeat } from './heartbeat.ts'
import { heldPorts } from './held-ports.ts'
import { instance } from './instance.ts'
import { masking } from './masking.ts'
import { nodeVersion } from './node-version.ts'
import { ports } from './ports.ts'
import { privateFiles } from './private-files.ts'
import { recordingRecipe } from './recipe.ts'

const limitMs = 7_000

const checksFor = (role: Role | undefined): Check[] => [
  nodeVersion,
  dataFolder,
  privateFiles,
  diskSpace,
  ports,
  heldPorts,
  instance,
  agentState,
  heartbeat,
  masking,
  recordingRecipe,
  enrolment,
  clocks,
  ...clusterEngines(role),
]

const markOf = ({ ok, skipped }: Finding): string => (skipped ? '-   ' : ok ? 'ok  ' : 'BAD ')

const lineOf = (finding: Finding): string => {
  const { check, detail, fix } = finding
  const mend = fix === undefined ? '' : `\n      mend: ${fix.replaceAll('\n', '\n            ')}`
  return `${markOf(finding)}${check}: ${detail}${mend}\n`
}

/** Findings as a person reads them, what is wrong last. */
export const report = (findings: Finding[]): string => {
  const bad = findings.filter(({ ok }) => !ok)
  const skipped = findings.filter((finding) => finding.skipped).length
  const summary = bad.length === 0 ? 'All is well' : `${bad.length} to mend`
  const rest = skipped === 0 ? '' : `; ${skipped} could not be looked at (-)`
  return `${[...findings.filter(({ ok }) => ok), ...bad].map(lineOf).join('')}\n${summary}${rest}.\n`
}

export const doctorCommand = (): Command =>
  new Command('doctor')
    .description('Look whether all is well, and say how to mend what is not. Changes nothing.')
    .addOption(new Option('--role <role>', 'in a cluster: leave out what this role does not use').choices(roles))
    .option('--json', 'print {ok, findings: [{check, ok, detail, fix, skipped}]}')
    .addHelpText(
      'after',
      '\nExit codes: 0 all is well, 1 something is wrong, 2 wrong usage or configuration.\nRun it as the user that Bartizan runs as; as root it sees more of sudo and sshd.',
    )
    .action(async (options: { json?: boolean; role?: Role }, command: Command) => {
      const findings = await runChecks(
        checksFor(options.role),
        { config: configOf(command), clock: systemClock },
        limitMs,
      )
      const ok = findings.every((finding) => finding.ok)
      const text = options.json ? `${JSON.stringify({ ok, findings })}\n` : report(findings)
      // A check that hangs keeps the process alive.
      process.stdout.write(text, () => process.exit(ok ? 0 : 1))
    })
