import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { splitTyped } from '#hooks/agent/masking/typed-parts.ts'
import type { TtyMode } from '#hooks/hook.ts'
import { maskedBytes, type Passed, replayed, rulesOf } from '#test/helpers/masked-replay.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { missingProgram, type Step, script, type TtyEvent, typedSession } from '#test/helpers/typed-session.ts'
import { type Habit, lessHabits, shellHabits, topHabits, typing, vimHabits } from '#test/helpers/typed-text.ts'

// What people type into real programs in a real pty stays in the recording: 99.5 % of the keys that show a character.
const keysPerProgram = 405
const seed = Number(process.env.BARTIZAN_SEED ?? 20_260_101)

const textKeys = (events: readonly TtyEvent[]): number =>
  events
    .filter(({ dir }) => dir === 'in')
    .flatMap(({ data }) => splitTyped(data))
    .reduce((sum, { kind, bytes }) => sum + (kind === 'text' ? bytes.length : 0), 0)

type Program = {
  gapMs?: [number, number]

  name: string
  argv: (file: string) => string[]
  habits: Habit[]
  before: Step[]
  after: string
}

const ready = (text: string): Step[] => [{ waitFor: text }]
const shell = ['bash', '--norc', '--noprofile', '-i']
const far = (...argv: string[]): string[] => ['python3', script('far-pty.py'), '100', ...argv]
const vim = { habits: vimHabits, before: ready('line 1 of'), after: '\u001b:q!\r' }
const less = { habits: lessHabits, before: ready('line 9 of'), after: 'q' }
const bash = { habits: shellHabits, before: ready('PS> '), after: '\u0003exit\r' }

const programs: Program[] = [
  { name: 'vim', argv: (file) => ['vim', '-n', file], ...vim },
  {
    name: 'vim without its defaults (no showcmd, no ruler)',
    argv: (file) => ['vim', '-n', '-u', 'NONE', file],
    ...vim,
  },
  { name: 'vim, 100 ms away', argv: (file) => far('vim', '-n', file), ...vim, gapMs: [30, 80] },
  { name: 'less', argv: (file) => ['less', file], ...less },
  { name: 'less -X (no alternate screen)', argv: (file) => ['less', '-X', file], ...less },
  // top takes keys that come together for one it does not know, and sleeps over the message: slower typing.
  { name: 'top', argv: () => ['top', '-d', '2'], habits: topHabits, before: ready('PID'), after: 'q', gapMs: [35, 60] },
  { name: 'bash readline', argv: () => shell, ...bash },
  { name: 'bash readline, 100 ms away', argv: () => far(...shell), ...bash, gapMs: [30, 80] },
  { name: 'bash in vi mode', argv: () => [...shell, '-o', 'vi'], ...bash },
]

const asRead = ({ mode }: TtyEvent): TtyMode => mode

const check = (t: ExecutionContext, name: string, events: readonly TtyEvent[], passed: readonly Passed[]): void => {
  const keys = textKeys(events)
  const masked = maskedBytes(passed)
  const figures = `${name}: ${keys} bytes of text typed, ${masked} masked ${rulesOf(passed).join(', ')}, seed ${seed}`
  t.log(figures)
  t.true(keys >= 400, figures)
  t.true(masked <= keys * 0.005, figures)
}

const run = async (t: ExecutionContext, { name, argv, habits, before, after, gapMs }: Program): Promise<void> => {
  const file = join(await temporaryFolder(t), 'text')
  await writeFile(file, Array.from({ length: 120 }, (_, index) => `line ${index + 1} of the file {}\n`).join(''))
  const steps = [
    ...before,
    ...typing(habits, keysPerProgram, seed, gapMs),
    ...[...after].map((typed) => ({ typed, afterMs: 30 })),
  ]
  const events = await typedSession({ argv: argv(file), env: { PS1: 'PS> ' }, steps })
  check(t, name, events, replayed(events, asRead))
  check(
    t,
    `${name}, mode not read`,
    events,
    replayed(events, () => 'unknown'),
  )
}

for (const program of programs) {
  const missing = missingProgram('python3', program.argv('')[0]!)
  const real = missing === null ? test : test.skip
  const note = missing === null ? '' : ` (${missing} is not installed)`
  real(`keys typed into ${program.name} are kept${note}`, run, program)
}
