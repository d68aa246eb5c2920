import { Command } from 'commander'
import { BartizanError } from '#services/errors.ts'
import { type From, withDelivery } from './delivery-calls.ts'
import { printable } from './printable.ts'
import { configOf } from './settings.ts'

/** A number of the sequence, or a time. @throws BTZ_REQUEST_INVALID */
export const fromOf = (text: string): From => {
  if (/^[1-9]\d{0,14}$/.test(text)) return { fromSeq: Number(text) }
  const fromMs = Date.parse(text)
  if (/^\d{4}-\d\d-\d\d/.test(text) && !Number.isNaN(fromMs)) return { fromMs }
  throw new BartizanError('BTZ_REQUEST_INVALID', `--from ${JSON.stringify(text)} is neither a number nor a time`, {
    hint: 'such as 2026-01-31T12:00:00Z, or 1200 for what was sent from number 1200 on',
  })
}

const list = (): Command =>
  new Command('list')
    .description('All destinations: how each is, and how far behind.')
    .option('--json', 'as JSON')
    .action(async (options: { json?: boolean }, command: Command) => {
      const sinks = await withDelivery(configOf(command), (calls) => calls.list())
      if (options.json) process.stdout.write(`${JSON.stringify(sinks)}\n`)
      else
        for (const { name, type, status } of sinks) {
          const lag = status === null ? '-' : `${status.lagRecords} records, ${status.lagSeconds} s behind`
          const error = status?.lastError ? `  last taken ${status.lastTakenAt ?? 'never'}  ${status.lastError}` : ''
          process.stdout.write(
            `${name}  ${type}  ${status?.state ?? 'not seen yet'}  ${lag}  seq ${status?.lastSeq ?? 0}${printable(error)}\n`,
          )
        }
    })

const replay = (): Command =>
  new Command('replay')
    .description(
      'Send again what a destination was sent, from a time or a number on; with new numbers and the same ids.',
    )
    .argument('<name>', 'as `sinks list` shows it')
    .requiredOption('--from <time|seq>', 'RFC 3339, or a number of its sequence')
    .addHelpText('after', '\nExample: bartizan sinks replay siem --from 2026-01-31T12:00:00Z')
    .action(async (name: string, options: { from: string }, command: Command) => {
      const from = fromOf(options.from)
      await withDelivery(configOf(command), (calls) => calls.replay(name, from))
      process.stdout.write(`${name} will begin again from ${options.from}\n`)
    })

const test = (): Command =>
  new Command('test')
    .description('Send one test message, outside of the sequence (seq 0).')
    .argument('<name>', 'as `sinks list` shows it')
    .action(async (name: string, _options: object, command: Command) => {
      const answer = await withDelivery(configOf(command), (calls) => calls.test(name))
      if (answer !== 'taken') throw new BartizanError('BTZ_UNAVAILABLE', `${name}: ${answer}`)
      process.stdout.write(`${name} took it\n`)
    })

export const sinksCommand = (): Command => {
  const command = new Command('sinks').description('Destinations of events and alerts.')
  for (const sub of [list, replay, test]) command.addCommand(sub())
  return command
}
