import { readFile, stat } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { Command } from 'commander'
import { z } from 'zod'
import { runRecorded } from '#hooks/script/run-script.ts'
import type { Config } from '#services/config.ts'
import { BartizanError } from '#services/errors.ts'
import { configOf } from './settings.ts'

const AgentInfo = z.looseObject({ scriptPort: z.number().int() })

const portOf = async ({ data, script }: Config): Promise<number> => {
  if (script.port !== 0) return script.port
  const file = join(data, 'agent', 'agent.json')
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new BartizanError('BTZ_NOT_RUNNING', `no agent of ours runs on ${data}: nothing was started`, {
      hint: 'start it with `npm start`; for other users set script.port (BARTIZAN_SCRIPT_PORT), for the agent and for them',
      cause,
    })
  })
  return AgentInfo.parse(JSON.parse(text)).scriptPort
}

/** Who may hold the agent's port: root, ourselves, and the owner of its data. */
const trustedUids = async (data: string): Promise<number[]> => {
  const owner = await stat(data).then(
    ({ uid }) => [uid],
    () => [],
  )
  return [0, process.getuid!(), ...owner]
}

export const recordCommand = (): Command =>
  new Command('record')
    .description(
      'Run a command, or a shell, in a terminal that the agent of this host records (with script of util-linux).',
    )
    .argument('[command...]', 'what to run; absent: your shell')
    .passThroughOptions()
    .allowUnknownOption()
    .addHelpText(
      'after',
      `
Exit code: that of the command, 128 + its number for one ended by a signal; 1 when nothing was started.
A recording that cannot go on ends the command: nothing runs unrecorded.
Options of bartizan stand before \`record\`.
Examples:
  bartizan record
  bartizan record -- ssh db-1
  bartizan -c /etc/bartizan/agent.yaml record -- bash -l`,
    )
    .action(async (words: string[], _options: object, command: Command) => {
      const config = configOf(command)
      const shell = process.env.SHELL ?? userInfo().shell ?? '/bin/sh'
      process.exitCode = await runRecorded({
        port: await portOf(config),
        trustedUids: await trustedUids(config.data),
        argv: words.length > 0 ? words : [shell],
        shell,
        tell: (text) => void process.stderr.write(`bartizan: ${text}\n`),
      })
    })
