import { Command, InvalidArgumentError, Option } from 'commander'
import { z } from 'zod'
import { EnrolmentWay } from '#services/agents/enrolment-way.ts'
import { AgentStatus } from '#services/schema/agent-status.ts'
import { CodeAnswer } from '#services/schema/enrolment.ts'
import { healthLine } from './agent-health-line.ts'
import { callInstance } from './instance.ts'
import { configOf } from './settings.ts'

const Revoked = z.object({ certificates: z.number(), tokens: z.number(), signingKeys: z.number() })
const Listed = z.object({
  items: z.array(
    z.object({
      bastion: z.string(),
      certificates: z.array(
        z.object({ sha256: z.string(), expiresAtMs: z.number(), revokedAtMs: z.number().nullable() }),
      ),
      way: EnrolmentWay.nullable().default(null),
      heardAtMs: z.number().nullable(),
      version: z.string().nullable(),
      status: AgentStatus.nullable(),
    }),
  ),
})

const unitMs: Record<string, number> = { s: 1_000, m: 60_000, h: 3_600_000 }
const duration = (text: string): number => {
  const [, count, unit = ''] = /^(\d{1,5})([smh])$/.exec(text) ?? []
  const ms = Number(count) * (unitMs[unit] ?? Number.NaN)
  if (ms >= 10_000 && ms <= 24 * 3_600_000) return ms
  throw new InvalidArgumentError('not a time from 10s to 24h, as 15m')
}
const pathOf = (bastion: string, what: string): string => `/api/agents/${encodeURIComponent(bastion)}/${what}`

type CodeOptions = { bastion: string; ttl: number; json?: boolean; relay?: string; asRelay?: string[] }

const enrolCode = (): Command =>
  new Command('enrol-code')
    .description('Make a one-time code for a bastion, and print the command that enrols its agent.')
    .requiredOption('--bastion <name>', 'the only bastion that the code is good for')
    .option('--ttl <time>', 'how long it is good', duration, duration('15m'))
    .option('--json', 'print {url, caSha256, code, expiresAt, command}')
    .addOption(
      new Option('--relay <name>', 'the agent is enrolled through this relay, which then may speak for the bastion'),
    )
    .addOption(
      new Option('--as-relay <names>', 'it becomes a relay, which agents reach by these names and addresses (a,b)')
        .argParser((text: string) => text.split(','))
        .conflicts('relay'),
    )
    .addHelpText(
      'after',
      `\nExamples:\n  bartizan agents enrol-code --bastion b1\n  bartizan agents enrol-code --bastion relay-1 --as-relay 10.1.0.2\n  bartizan agents enrol-code --bastion b2 --relay relay-1`,
    )
    .action(async (options: CodeOptions, command: Command) => {
      const { bastion, ttl, json, relay, asRelay: relayNames } = options
      const asked = { forMs: ttl, relay, relayNames }
      const made = await callInstance(configOf(command), 'POST', pathOf(bastion, 'codes'), asked)
      const answer = CodeAnswer.parse(made)
      process.stdout.write(`${json ? JSON.stringify(answer) : answer.command}\n`)
    })

const revoke = (): Command =>
  new Command('revoke')
    .description("Take a bastion's certificates, tokens, signing keys and codes back, within seconds.")
    .argument('<bastion>')
    .option('--json', 'print how many of each')
    .action(async (bastion: string, options: { json?: boolean }, command: Command) => {
      const answer = Revoked.parse(await callInstance(configOf(command), 'POST', pathOf(bastion, 'revoke')))
      const { certificates, tokens, signingKeys } = answer
      const text = `revoked ${bastion}: ${certificates} certificates, ${tokens} tokens, ${signingKeys} signing keys`
      process.stdout.write(`${options.json ? JSON.stringify(answer) : text}\n`)
    })

const wayText = (way: EnrolmentWay | null): string => {
  if (way?.relayNames) return `  relay at ${way.relayNames.join(', ')}`
  return way?.via ? `  through ${way.via}` : ''
}

const agentsOf = async (command: Command) =>
  Listed.parse(await callInstance(configOf(command), 'GET', '/api/agents')).items

const list = (): Command =>
  new Command('list')
    .description('Enrolled agents, with the end of the last certificate of each.')
    .option('--json', 'as JSON')
    .action(async (options: { json?: boolean }, command: Command) => {
      const items = (await agentsOf(command)).filter(({ certificates }) => certificates.length > 0)
      if (options.json) process.stdout.write(`${JSON.stringify(items)}\n`)
      else
        for (const { bastion, certificates, way } of items) {
          const last = certificates.findLast(({ revokedAtMs }) => revokedAtMs === null)
          const until = last ? `until ${new Date(last.expiresAtMs).toISOString()}  ${last.sha256}` : 'revoked'
          process.stdout.write(`${bastion}  ${until}${wayText(way)}\n`)
        }
    })

const health = (): Command =>
  new Command('health')
    .description('When each agent was heard last, and how it was: sessions, spool, clock, hooks.')
    .option('--json', 'as JSON')
    .action(async (options: { json?: boolean }, command: Command) => {
      const items = (await agentsOf(command)).map(({ certificates: _, ...item }) => item)
      if (options.json) process.stdout.write(`${JSON.stringify(items)}\n`)
      else for (const item of items) process.stdout.write(`${item.bastion}  ${healthLine(item, Date.now())}\n`)
    })

export const agentsCommand = (): Command => {
  const command = new Command('agents').description(
    'Agents of other machines: enrol, list, revoke; and how all agents are.',
  )
  for (const sub of [enrolCode, list, health, revoke]) command.addCommand(sub())
  return command
}
