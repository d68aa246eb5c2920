import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { Command, Option } from 'commander'
import { checks, factsOf } from '#hooks/posture/checks.ts'
import { collect } from '#hooks/posture/collect.ts'
import { createLook } from '#hooks/posture/look.ts'
import { openOutbox } from '#hooks/posture/outbox.ts'
import { runProgram } from '#hooks/posture/run-program.ts'
import { toldFiles } from '#hooks/posture/told-facts.ts'
import type { Fact } from '#hooks/posture/verdict.ts'
import type { View } from '#hooks/posture/view.ts'
import { remember, whatToSay } from '#hooks/posture/what-was-said.ts'
import type { Config } from '#services/config.ts'
import { BartizanError } from '#services/errors.ts'
import { printable } from './printable.ts'
import { configOf } from './settings.ts'

const limitMs = 120_000 // homes may be on a network that hangs

const marks = { ok: 'ok  ', warn: 'warn', fail: 'FAIL' }

const wordsOf = (detail: Record<string, unknown>): string =>
  Object.entries(detail)
    .filter(([, value]) => !(Array.isArray(value) && value.length === 0))
    .map(([name, value]) => `${name} ${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(', ')

const rowOf = ({ check, status, user, detail, fix }: Fact): string => {
  const what = `${marks[status]} ${check.padEnd(24)} ${user === undefined ? '' : `${user}: `}${wordsOf(detail)}`
  return `${printable(what)}\n${fix === undefined ? '' : `       fix: ${fix}\n`}`
}

/** Facts as a person reads them: what is worst last. */
export const table = (facts: readonly Fact[]): string => {
  const of = (status: Fact['status']) => facts.filter((fact) => fact.status === status)
  const rows = [...of('ok'), ...of('warn'), ...of('fail')].map(rowOf).join('')
  return `${rows}\n${of('fail').length} fail, ${of('warn').length} warn, ${of('ok').length} ok.\n`
}

const look = async (root: string, firstSeenMs: View['firstSeenMs']): Promise<View> => {
  const view = collect({
    look: await createLook(root),
    run: runProgram,
    host: hostname(),
    nowMs: Date.now(),
    firstSeenMs,
  })
  const late = sleep(limitMs, null, { ref: false })
  const seen = await Promise.race([view, late])
  if (seen) return seen
  throw new BartizanError('BTZ_UNAVAILABLE', `the machine could not be looked at within ${limitMs / 1_000} s`, {
    hint: 'see whether a file system or one of sshd, apt-get, nft hangs',
  })
}

const send = async ({ data, bastion }: Config): Promise<Fact[]> => {
  const outbox = await openOutbox(data)
  try {
    const before = await outbox.recall()
    const view = await look('/', (what) => before.firstSeenMs[what] ?? null)
    const { say, after } = whatToSay(before, factsOf(view), view.nowMs)
    const firstSeenMs = remember(before.firstSeenMs, view)
    await outbox.say(toldFiles(bastion, view.nowMs, say), { ...after, firstSeenMs })
    return say
  } finally {
    await outbox.close()
  }
}

type Options = { json?: boolean; check?: string; root: string; send?: boolean }

const asked = async (options: Options): Promise<Fact[]> => {
  const view = await look(options.root, () => null)
  return factsOf(
    view,
    checks.filter(({ id }) => options.check === undefined || id === options.check),
  )
}

const run = async (options: Options, command: Command): Promise<void> => {
  const facts = options.send ? await send(configOf(command)) : await asked(options)
  const ok = options.send === true || facts.every(({ status }) => status !== 'fail')
  const text = options.json
    ? JSON.stringify({ ok, facts })
    : options.send
      ? `${facts.length} facts are new`
      : table(facts)
  // What hangs keeps the process alive.
  process.stdout.write(text.endsWith('\n') ? text : `${text}\n`, () => process.exit(ok ? 0 : 1))
}

export const postureCommand = (): Command =>
  new Command('posture')
    .description(
      'Look how well this bastion is guarded, and say how to mend what is not. Needs root to see everything.',
    )
    .option('--json', 'print {ok, facts: [{check, status, user, detail, fix}]}')
    .addOption(new Option('--check <name>', 'only this one').choices(checks.map(({ id }) => id)))
    .option('--root <folder>', 'another tree, such as a mounted image; what takes running programs is not checked', '/')
    .addOption(
      new Option('--send', 'leave what is new, and everything once a day, for the agent of this machine').conflicts([
        'check',
        'root',
      ]),
    )
    .addHelpText(
      'after',
      '\nExit codes: 0 nothing fails, 1 something fails, 2 wrong usage or configuration.\nExample: bartizan posture --check mfa-required',
    )
    .action(run)
