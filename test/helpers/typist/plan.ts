import { seededRandom } from '../seeded-random.ts'
import type { Kind, Remembered } from './home.ts'
import { pythonActs } from './python-acts.ts'
import { shellActs } from './shell-acts.ts'
import { type Act, type Bench, enter, type Step } from './steps.ts'

/** A session to be typed. */
export type Plan = {
  kind: Kind
  seed: number
  steps: Step[]
  secrets: string[]
  readByProgram: Map<string, string[]> // by the tag of the line before them
}

const benchOf = (plan: Plan, random: () => number): Bench => {
  let tags = 0
  return {
    random,
    pick: (from) => from[Math.floor(random() * from.length)]!,
    upTo: (most) => 1 + Math.floor(random() * most),
    tag: () => `t${tags++}q`,
    readByProgram: (tag, lines) => void plan.readByProgram.set(tag, lines),
    secret: () => {
      const secret = `hush${plan.seed}x${plan.secrets.length}`
      plan.secrets.push(secret)
      return secret
    },
  }
}

const within: Record<Kind, (steps: Step[]) => Step[]> = {
  bash: (steps) => steps,
  zsh: (steps) => [...enter('zsh'), ...steps, ...enter('exit')],
  python: (steps) => [{ keys: 'python3\r' }, { waitFor: '>>> ' }, ...steps, ...enter('exit()')],
}

/** At least so many acts, each kind of act in turn before any comes again; the same for the same seed. */
export const planOf = (kind: Kind, seed: number, acts: number): Plan => {
  const plan: Plan = { kind, seed, steps: [], secrets: [], readByProgram: new Map() }
  const random = seededRandom(seed)
  const bench = benchOf(plan, random)
  const all = kind === 'python' ? pythonActs : shellActs
  const steps: Step[] = []
  let bag: Act[] = []
  for (let n = 0; n < acts; n++) {
    if (bag.length === 0) bag = [...all]
    steps.push(...bag.splice(Math.floor(random() * bag.length), 1)[0]!(bench))
  }
  plan.steps = [{ waitFor: 'prompt' }, ...within[kind](steps), { keys: 'exit\r' }]
  return plan
}

const inserted = (lines: string[], { readByProgram }: Plan): string[] =>
  lines.flatMap((line) => {
    const tag = line.match(/t\d+q/g)?.find((one) => readByProgram.has(one))
    const read = tag === undefined ? [] : readByProgram.get(tag)!
    if (tag !== undefined) readByProgram.delete(tag)
    return [line, ...read]
  })

/** The lines in the order in which they were typed. */
export const truthOf = (plan: Plan, known: Remembered): string[] => {
  const starts = { bash: -1, zsh: known.bash.indexOf('zsh'), python: known.bash.indexOf('python3') }[plan.kind]
  const inner = plan.kind === 'bash' ? [] : known[plan.kind]
  const once = { ...plan, readByProgram: new Map(plan.readByProgram) }
  return inserted([...known.bash.slice(0, starts + 1), ...inner, ...known.bash.slice(starts + 1)], once)
}
