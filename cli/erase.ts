import { Command } from 'commander'
import { Approval } from '#services/schema/approval.ts'
import { callInstance } from './instance.ts'
import { printable } from './printable.ts'
import { configOf } from './settings.ts'

export const eraseCommand = (): Command =>
  new Command('erase')
    .description('Ask a second person to agree that what was recorded of a session is erased: `approvals approve`.')
    .argument('<session>', 'its id')
    .requiredOption('--reason <text>', 'why; stands in the act that is kept')
    .addHelpText(
      'after',
      `
Its key is destroyed and what was derived from it is removed; there is no way back. A session that is held, goes on, or is
one of whoever asks is not erased.
Example: bartizan erase 0192f3a0-… --reason "request 2026/4 of the person recorded"`,
    )
    .action(async (session: string, { reason }: { reason: string }, command: Command) => {
      const path = `/api/sessions/${encodeURIComponent(session)}/erasure`
      const { id, expiresAt } = Approval.parse(await callInstance(configOf(command), 'POST', path, { reason }))
      process.stdout.write(`asked for: another person approves ${printable(id)} until ${printable(expiresAt)}\n`)
    })
