import { readFile } from 'node:fs/promises'
import { Command } from 'commander'
import { z } from 'zod'
import type { Config } from '#services/config.ts'
import { openStatement, sentenceOf, statementsRoot } from '#services/coverage/statement-format.ts'
import { diskError } from '#services/disk-error.ts'
import { BartizanError, hasCode } from '#services/errors.ts'
import { leafOfObject } from '#services/proofs/leaf.ts'
import { Statement } from '#services/schema/statement.ts'
import { explain } from './explain.ts'
import { callInstance } from './instance.ts'
import { printable } from './printable.ts'
import { configOf } from './settings.ts'
import { trustedVerifier } from './verify-log.ts'

const exitCodes = { tampered: 1, unknown: 3 } as const
const dayMs = 86_400_000

type Options = { day?: string; bastion?: string; verify?: string; logKey?: string; json?: boolean }
const Stated = Statement.extend({ key: z.string(), note: z.string() })
const Listed = z.object({ items: z.array(Stated), next: z.string().nullable() })

const statementsOf = async (config: Config, day: string, bastion?: string): Promise<z.infer<typeof Stated>[]> => {
  const all: z.infer<typeof Stated>[] = []
  let cursor: string | null = null
  do {
    const query: Record<string, string> = { from: day, to: day, limit: '500' }
    if (bastion !== undefined) query.bastion = bastion
    if (cursor !== null) query.cursor = cursor
    const answer = await callInstance(config, 'GET', `/api/coverage/statements?${new URLSearchParams(query)}`)
    const { items, next } = Listed.parse(answer)
    all.push(...items)
    cursor = next
  } while (cursor !== null)
  return all
}

const list = async (config: Config, { day, bastion, json }: Options): Promise<void> => {
  const date = day ?? new Date(Date.now() - dayMs).toISOString().slice(0, 10)
  const all = await statementsOf(config, date, bastion)
  if (json) process.stdout.write(`${JSON.stringify(all)}\n`)
  else for (const one of all) process.stdout.write(`${one.key}  ${printable(sentenceOf(one))}\n`)
  if (all.length === 0 && !json)
    process.stdout.write(
      `nothing is stated of ${date}: it is, an hour after its end, of each bastion of which anything was heard\n`,
    )
}

const noteOf = async (config: Config, what: string): Promise<Uint8Array> => {
  if (!what.startsWith(statementsRoot)) {
    return readFile(what).catch((error: unknown) => {
      throw diskError(error, what)
    })
  }
  const day = what.slice(statementsRoot.length).split('/')[0] ?? ''
  const found = (await statementsOf(config, day)).find(({ key }) => key === what)
  if (found) return Buffer.from(found.note)
  throw new BartizanError('BTZ_NOT_FOUND', `there is no ${what}`)
}

/** Where it stands in the log of a running instance; null: it does not yet, or cannot be asked for. */
const leafIndexOf = async (config: Config, key: string, bytes: Uint8Array): Promise<number | null> => {
  const { id } = leafOfObject('statement', key, bytes)
  const answer = await callInstance(config, 'GET', `/api/log/leaf/${id}`).catch(() => null)
  return z.object({ index: z.number() }).safeParse(answer).data?.index ?? null
}

const verify = async (config: Config, what: string, logKey: string | undefined): Promise<void> => {
  const verifier = await trustedVerifier(config, logKey)
  if ('reason' in verifier) throw new BartizanError('BTZ_KEY_NOT_FOUND', verifier.reason)
  const bytes = await noteOf(config, what)
  const statement = openStatement(bytes, verifier)
  process.stdout.write(
    `${printable(sentenceOf(statement))}\nsigned by ${verifier.name}, statement ${statement.number} of the day\n`,
  )
  for (const { sessionId, state } of statement.listed) process.stdout.write(`  ${sessionId}  ${state}\n`)
  if (statement.unlisted > 0) process.stdout.write(`  and ${statement.unlisted} more\n`)
  if (!what.startsWith(statementsRoot)) return
  const index = await leafIndexOf(config, what, bytes)
  process.stdout.write(index === null ? 'not in the log yet\n' : `leaf ${index} of the log\n`)
}

export const coverageCommand = (): Command =>
  new Command('coverage')
    .description('What is stated of a day: how many sessions were seen, how many are whole, and which gaps there are.')
    .option('--day <date>', 'YYYY-MM-DD, UTC; absent: yesterday')
    .option('--bastion <name>', 'of this one alone')
    .option(
      '--verify <file or key>',
      'check the signature of a statement: a file, or one of the running instance by its key',
    )
    .option(
      '--log-key <key>',
      'the public key of the transparency log, or a file with it; absent: that of this installation',
    )
    .option('--json', 'as JSON, with the signed notes')
    .addHelpText(
      'after',
      `
Examples:
  bartizan coverage --day 2026-01-31
  bartizan coverage --verify evidence/v1/statements/2026-01-31/jump1/0001
  bartizan coverage --verify statement.txt --log-key log.pub     offline, on any machine
Exit codes: 0 ok, 1 altered or not signed by that key, 3 cannot tell.`,
    )
    .action(async (options: Options, command: Command) => {
      try {
        const config = configOf(command)
        if (options.verify === undefined) await list(config, options)
        else await verify(config, options.verify, options.logKey)
      } catch (error) {
        process.stderr.write(`bartizan: ${explain(error)}\n`)
        process.exitCode = hasCode(error, 'BTZ_EVIDENCE_CORRUPT') ? exitCodes.tampered : exitCodes.unknown
      }
    })
