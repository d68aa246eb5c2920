import { readFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { Command } from 'commander'
import { z } from 'zod'
import { createKey, liveFolder, portFile, readKeys, revokeKey } from '#hooks/asciinema-live/stream-keys.ts'
import type { Config } from '#services/config.ts'
import { BartizanError } from '#services/errors.ts'
import { configOf } from './settings.ts'

const Listening = z.object({ port: z.number().int() })
const everywhere = ['0.0.0.0', '::']

const portOf = async ({ data, asciinemaLive: { port } }: Config): Promise<number> => {
  if (port !== undefined && port !== 0) return port
  const text = await readFile(portFile(liveFolder(data)), 'utf8').catch((cause: unknown) => {
    throw new BartizanError('BTZ_NOT_RUNNING', 'the agent takes no live streams', {
      hint: 'set asciinemaLive.port (BARTIZAN_ASCIINEMA_LIVE_PORT) for the agent and for this command, and start it',
      cause,
    })
  })
  return Listening.parse(JSON.parse(text)).port
}

const urlOf = async (config: Config, secret: string): Promise<string> => {
  const { host, certFile } = config.asciinemaLive
  const name = everywhere.includes(host) ? hostname() : host.includes(':') ? `[${host}]` : host
  return `${certFile === undefined ? 'ws' : 'wss'}://${name}:${await portOf(config)}/ws/${secret}`
}

const create = (): Command =>
  new Command('create')
    .description('Make the address of a person, by which they stream. It is shown once.')
    .requiredOption('--user <name>', 'whose sessions these are')
    .option('--json', 'print {id, url}')
    .addHelpText('after', '\nExample: asciinema stream -r "$(bartizan live create --user alice)"')
    .action(async ({ user, json }: { user: string; json?: boolean }, command: Command) => {
      const config = configOf(command)
      await portOf(config) // before there is a key that nobody gets to see
      const { id, secret } = await createKey(liveFolder(config.data), user, Date.now())
      const url = await urlOf(config, secret)
      process.stdout.write(json ? `${JSON.stringify({ id, url })}\n` : `${url}\n`)
    })

const list = (): Command =>
  new Command('list')
    .description('Who may stream, without the addresses.')
    .option('--json', 'as JSON')
    .action(async ({ json }: { json?: boolean }, command: Command) => {
      const keys = await readKeys(liveFolder(configOf(command).data))
      const shown = keys.map(({ id, user, createdAt }) => ({ id, user, createdAt }))
      if (json) process.stdout.write(`${JSON.stringify(shown)}\n`)
      else for (const { id, user, createdAt } of shown) process.stdout.write(`${id}  ${user}  ${createdAt}\n`)
    })

const revoke = (): Command =>
  new Command('revoke')
    .description('Take an address back; what is streamed by it ends within seconds.')
    .argument('<id>', 'as `live list` shows it')
    .action(async (id: string, _options: object, command: Command) => {
      await revokeKey(liveFolder(configOf(command).data), id)
      process.stdout.write(`revoked ${id}\n`)
    })

export const liveCommand = (): Command => {
  const command = new Command('live').description(
    "Who may stream to the agent of this host with asciinema. Run it as the agent's user.",
  )
  for (const sub of [create, list, revoke]) command.addCommand(sub())
  return command
}
