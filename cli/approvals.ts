import { Command } from 'commander'
import { z } from 'zod'
import { Approval } from '#services/schema/approval.ts'
import { callInstance } from './instance.ts'
import { printable } from './printable.ts'
import { configOf } from './settings.ts'

const Listed = z.object({ items: z.array(Approval), next: z.string().nullable() })

const lineOf = ({ id, state, action, subject, requestedBy, expiresAt, reason }: Approval): string =>
  [id, state, action, subject, requestedBy.name, `until ${expiresAt}`, reason].map(printable).join('  ')

const list = (): Command =>
  new Command('list')
    .description('What waits for the word of a second person, newest first; at most 500.')
    .option('--state <state>', 'open, approved, refused, expired, done or all', 'open')
    .option('--json', 'as JSON')
    .action(async ({ state, json }: { state: string; json?: boolean }, command: Command) => {
      const query = new URLSearchParams({ limit: '500', ...(state !== 'all' && { state }) })
      const answer = await callInstance(configOf(command), 'GET', `/api/approvals?${query}`)
      const { items } = Listed.parse(answer)
      if (json) process.stdout.write(`${JSON.stringify(items)}\n`)
      else for (const approval of items) process.stdout.write(`${lineOf(approval)}\n`)
    })

const decide = (name: string, decision: 'approved' | 'refused', description: string): Command =>
  new Command(name)
    .description(description)
    .argument('<id>', 'as `approvals list` shows it')
    .requiredOption('--reason <text>', 'why; stands in the audit trail')
    .action(async (id: string, { reason }: { reason: string }, command: Command) => {
      const path = `/api/approvals/${encodeURIComponent(id)}`
      const approval = Approval.parse(await callInstance(configOf(command), 'POST', path, { decision, reason }))
      process.stdout.write(`${lineOf(approval)}\n`)
    })

export const approvalsCommand = (): Command => {
  const command = new Command('approvals').description('What one person asked for and another one has to agree to.')
  command.addCommand(list())
  command.addCommand(decide('approve', 'approved', 'Agree to what somebody else asked for.'))
  command.addCommand(decide('refuse', 'refused', 'Refuse what somebody else asked for.'))
  return command.addHelpText(
    'after',
    '\nExample: BARTIZAN_TOKEN=… bartizan approvals approve 0192… --reason "the court order is filed as 2026/17"',
  )
}
