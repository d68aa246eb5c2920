import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { startBastion } from '#test/helpers/bastion.ts'
import { startProduct } from '#test/helpers/running.ts'
import type { Kind } from '#test/helpers/typist/home.ts'
import { judge, type Verdict } from '#test/helpers/typist/judge.ts'
import { planOf } from '#test/helpers/typist/plan.ts'
import { derived, foundOf, loadRecording, type Recording, saveRecording } from '#test/helpers/typist/recording.ts'
import { typeSession } from '#test/helpers/typist/type-sessions.ts'

/**
 * How well typed lines are found: sessions are typed over ssh through the real hooks (root, sudo, sshd, bash, zsh,
 * python3, vim, less, git); what the shells themselves remember is the truth.
 * `npm run bench -- typed [--lines 300] [--acts 40] [--seed 1] [--kinds bash,zsh,python] [--corpus FOLDER] [--wrong]`
 * With --corpus recordings are kept there, and judged again without typing when there are any.
 */
const { values } = parseArgs({
  options: {
    lines: { type: 'string', default: '300' },
    acts: { type: 'string', default: '40' },
    seed: { type: 'string', default: '1' },
    kinds: { type: 'string', default: 'bash,zsh,python' },
    corpus: { type: 'string' },
    wrong: { type: 'boolean', default: false },
  },
})
const kinds = values.kinds.split(',') as Kind[]
const verdicts: { kind: Kind; seed: number; verdict: Verdict }[] = []

const take = (recording: Recording, commands = derived(recording)): number => {
  const verdict = judge(recording.typed, foundOf(commands))
  verdicts.push({ kind: recording.kind, seed: recording.seed, verdict })
  const told = JSON.stringify(commands)
  for (const secret of recording.secrets) {
    if (!told.includes(secret)) continue
    process.exitCode = 1
    process.stdout.write(`${recording.kind} ${recording.seed}: a secret was told\n`)
  }
  if (values.wrong)
    for (const text of verdict.wrong) process.stdout.write(`${recording.kind} ${recording.seed}: ${text}\n`)
  return verdict.typed
}

const typeAll = async (): Promise<void> => {
  const undo: (() => unknown)[] = []
  const t = { teardown: (run: () => unknown) => void undo.unshift(run) }
  try {
    const product = await startProduct(t, { env: { BARTIZAN_LOG_LEVEL: 'error' } })
    const bastion = await startBastion(t, { sudoPort: product.endpoints.sudoPort, users: kinds.length })
    const typeKind = async (kind: Kind, index: number): Promise<void> => {
      let lines = 0
      for (let seed = Number(values.seed); lines < Number(values.lines); seed++) {
        const typed = await typeSession(
          product,
          bastion,
          bastion.users[index]!,
          planOf(kind, seed, Number(values.acts)),
        )
        for (const late of typed.late) process.stdout.write(`${kind} ${seed}: waited in vain: ${late}\n`)
        lines += take(typed.recording, typed.commands)
        if (values.corpus) await saveRecording(join(values.corpus, `${kind}-${seed}.json.gz`), typed.recording)
      }
    }
    await Promise.all(kinds.map(typeKind))
    await product.stop()
  } finally {
    for (const run of undo) await run()
  }
}

const rate = (part: number, whole: number): number => Number((whole === 0 ? 1 : part / whole).toFixed(4))
const rowOf = (some: Verdict[]) => {
  const sum = (of: (verdict: Verdict) => number): number => some.reduce((total, verdict) => total + of(verdict), 0)
  const [typed, found, exact] = [sum((one) => one.typed), sum((one) => one.found), sum((one) => one.exact)]
  const [execs, right] = [sum((one) => one.execs), sum((one) => one.execsRight)]
  return {
    typed,
    found,
    exact,
    recall: rate(exact, typed),
    precision: rate(exact, found),
    execs,
    'with their line': rate(right, execs),
  }
}
const calibration = () => {
  const all = verdicts.flatMap(({ verdict }) => verdict.confidences)
  const levels = [...new Set(all.map(({ confidence }) => confidence))].sort((a, b) => b - a)
  return Object.fromEntries(
    levels.map((level) => {
      const at = all.filter(({ confidence }) => confidence === level)
      return [level, { lines: at.length, 'exactly right': rate(at.filter(({ right }) => right).length, at.length) }]
    }),
  )
}

if (values.corpus) await mkdir(values.corpus, { recursive: true })
const kept = values.corpus ? (await readdir(values.corpus)).filter((name) => name.endsWith('.json.gz')) : []
if (kept.length === 0) await typeAll()
else
  for (const name of kept.sort()) {
    const recording = await loadRecording(join(values.corpus!, name))
    if (kinds.includes(recording.kind)) take(recording)
  }
console.table(
  Object.fromEntries(
    kinds.map((kind) => [kind, rowOf(verdicts.filter((one) => one.kind === kind).map(({ verdict }) => verdict))]),
  ),
)
console.table(calibration())
