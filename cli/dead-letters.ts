import { Command } from 'commander'
import { withDelivery } from './delivery-calls.ts'
import { printable } from './printable.ts'
import { configOf } from './settings.ts'

const list = (): Command =>
  new Command('list')
    .description('What was put aside because it could never be processed, oldest first.')
    .option('--limit <n>', 'at most so many', '100')
    .option('--after <id>', 'go on after this one')
    .option('--json', 'as JSON, with what --after needs next')
    .action(async (options: { limit: string; after?: string; json?: boolean }, command: Command) => {
      const ask = (limit: number) =>
        withDelivery(configOf(command), (calls) => calls.deadLetters(limit, options.after ?? null))
      const page = await ask(Number(options.limit))
      if (options.json) process.stdout.write(`${JSON.stringify(page)}\n`)
      else {
        for (const { id, at, where, code, reason, bytes, resentAt } of page.items)
          process.stdout.write(
            `${id}  ${at}  ${printable(`${where}  ${code}  ${bytes} B  ${reason}`)}${resentAt ? '  (sent again)' : ''}\n`,
          )
        if (page.items.length === 0) process.stdout.write('nothing was put aside\n')
        if (page.next !== null) process.stdout.write(`more: --after ${page.next}\n`)
      }
    })

const resend = (): Command =>
  new Command('resend')
    .description('Give one another try: to where it came from, or to the destination that refused it.')
    .argument('<id>', 'as `dead-letters list` shows it')
    .addHelpText(
      'after',
      '\nWhat does not prove who wrote it is not sent again.\nExample: bartizan dead-letters resend 3/17',
    )
    .action(async (id: string, _options: object, command: Command) => {
      const { to } = await withDelivery(configOf(command), (calls) => calls.resend(id))
      process.stdout.write(`${id} goes to ${to} again\n`)
    })

export const deadLettersCommand = (): Command => {
  const command = new Command('dead-letters').description('What was put aside, and why.')
  for (const sub of [list, resend]) command.addCommand(sub())
  return command
}
