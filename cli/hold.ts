import { Command } from 'commander'
import { z } from 'zod'
import { Approval } from '#services/schema/approval.ts'
import { CustodyHold, CustodyPerson } from '#services/schema/custody.ts'
import { callInstance } from './instance.ts'
import { printable } from './printable.ts'
import { configOf } from './settings.ts'

const Hold = CustodyHold.omit({ act: true, lifted: true }).extend({
  lifted: z.object({ at: z.string(), requestedBy: CustodyPerson, by: CustodyPerson }).nullable(),
})
type Hold = z.infer<typeof Hold>
const Holds = z.object({ holds: z.array(Hold) })

const lineOf = ({ holdId, at, by, reason, appliedAt, lifted }: Hold): string => {
  const end = lifted ? `lifted ${lifted.at} by ${lifted.requestedBy.name} and ${lifted.by.name}` : 'stands'
  const state = appliedAt === null ? 'not on all objects yet' : end
  return [holdId, at, by.name, state, reason].map(printable).join('  ')
}
const pathOf = (session: string, rest: string): string => `/api/sessions/${encodeURIComponent(session)}/${rest}`

const add = (): Command =>
  new Command('add')
    .description('Hold a session: it is neither erased nor disposed of before two people let go of it.')
    .argument('<session>', 'its id')
    .requiredOption('--reason <text>', 'why; stands in the act that is kept')
    .action(async (session: string, { reason }: { reason: string }, command: Command) => {
      const hold = Hold.parse(await callInstance(configOf(command), 'POST', pathOf(session, 'hold'), { reason }))
      process.stdout.write(`${lineOf(hold)}\n`)
    })

const lift = (): Command =>
  new Command('lift')
    .description('Ask a second person to agree that the holds of a session end: `approvals approve`.')
    .argument('<session>', 'its id')
    .requiredOption('--reason <text>', 'why; stands in the act that is kept')
    .action(async (session: string, { reason }: { reason: string }, command: Command) => {
      const asked = await callInstance(configOf(command), 'POST', pathOf(session, 'hold/lift'), { reason })
      const { id, expiresAt } = Approval.parse(asked)
      process.stdout.write(`asked for: another person approves ${printable(id)} until ${printable(expiresAt)}\n`)
    })

const list = (): Command =>
  new Command('list')
    .description('The holds of a session, lifted ones too.')
    .argument('<session>', 'its id')
    .option('--json', 'as JSON')
    .action(async (session: string, { json }: { json?: boolean }, command: Command) => {
      const { holds } = Holds.parse(await callInstance(configOf(command), 'GET', pathOf(session, 'custody')))
      if (json) process.stdout.write(`${JSON.stringify(holds)}\n`)
      else for (const hold of holds) process.stdout.write(`${lineOf(hold)}\n`)
    })

export const holdCommand = (): Command => {
  const command = new Command('hold').description('Legal hold: what is held is neither erased nor disposed of.')
  for (const make of [add, lift, list]) command.addCommand(make())
  return command.addHelpText(
    'after',
    '\nNobody holds or lets go of a session of their own.\nExample: bartizan hold add 0192f3a0-… --reason "court order 2026/17"',
  )
}
