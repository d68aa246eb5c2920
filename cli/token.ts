import { Command } from 'commander'
import { z } from 'zod'
import { callInstance } from './instance.ts'
import { configOf } from './settings.ts'

const Created = z.object({ id: z.string(), secret: z.string() })
const Listed = z.object({
  items: z.array(
    z.looseObject({
      id: z.string(),
      role: z.string(),
      name: z.string(),
      bastion: z.string().nullable(),
      createdAt: z.string(),
    }),
  ),
})

const create = (): Command =>
  new Command('create')
    .description('Make a token. It is shown once.')
    .requiredOption('--role <role>', 'admin, analyst, oncall, auditor, siem or ingest')
    .option('--name <name>', 'whose it is; stands in the audit trail')
    .option('--bastion <name>', 'role ingest: the only bastion it may speak for (default: this host)')
    .option('--json', 'print {id, secret}')
    .addHelpText('after', '\nExample: bartizan token create --role ingest --bastion jump1 > jump1.token')
    .action(async (options: { role: string; name?: string; bastion?: string; json?: boolean }, command: Command) => {
      const { json, ...request } = options
      const body = { name: request.role, ...request }
      const created = Created.parse(await callInstance(configOf(command), 'POST', '/api/tokens', body))
      process.stdout.write(json ? `${JSON.stringify(created)}\n` : `${created.secret}\n`)
    })

const list = (): Command =>
  new Command('list')
    .description('All tokens, without their secrets.')
    .option('--json', 'as JSON')
    .action(async (options: { json?: boolean }, command: Command) => {
      const { items } = Listed.parse(await callInstance(configOf(command), 'GET', '/api/tokens'))
      if (options.json) process.stdout.write(`${JSON.stringify(items)}\n`)
      else
        for (const { id, role, name, bastion, createdAt } of items)
          process.stdout.write(`${id}  ${role}  ${name}  ${bastion ?? '-'}  ${createdAt}\n`)
    })

const revoke = (): Command =>
  new Command('revoke')
    .description('Take a token back, at once.')
    .argument('<id>', 'as `token list` shows it')
    .action(async (id: string, _options: object, command: Command) => {
      await callInstance(configOf(command), 'DELETE', `/api/tokens/${encodeURIComponent(id)}`)
      process.stdout.write(`revoked ${id}\n`)
    })

export const tokenCommand = (): Command => {
  const command = new Command('token').description('Tokens for programs and people.')
  for (const sub of [create, list, revoke]) command.addCommand(sub())
  return command
}
