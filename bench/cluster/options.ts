import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { openResults, type Results } from './results.ts'

export type Options = {
  quick: boolean
  isChosen(stage: string): boolean
  isContestant(pipeline: { name: string }): boolean
  rounds: number
  events: number
  results: Results
}

const usage = `  --quick          fewer events, bytes and rounds
  --only A,B       stages (or faults), each by a part of its name
  --contestants A  those who are measured, each by a part of its name
  --rounds N       measured rounds; one more before them is left out
  --events N       events of a run
  --results FILE   where JSON lines are added; what is in there already is not measured again
`

const among =
  (parts: string | undefined) =>
  (name: string): boolean =>
    parts === undefined || parts.split(',').some((part) => name.includes(part))

export const readOptions = async (
  bench: string,
  quick: { events: number; rounds: number },
  full: typeof quick,
): Promise<Options> => {
  const text = { type: 'string' } as const
  const known = {
    quick: { type: 'boolean' },
    only: text,
    contestants: text,
    rounds: text,
    events: text,
    results: text,
    help: { type: 'boolean' },
  } as const
  const { values } = parseArgs({ options: known })
  if (values.help) {
    process.stdout.write(`npm run bench -- ${bench} [OPTIONS]\n${usage}`)
    process.exit(0)
  }
  const defaults = values.quick ? quick : full
  const file = values.results ?? join(tmpdir(), `bartizan-bench-${bench}-${Date.now()}.jsonl`)
  return {
    quick: values.quick ?? false,
    isChosen: among(values.only),
    isContestant: ({ name }) => among(values.contestants)(name),
    rounds: Number(values.rounds ?? defaults.rounds),
    events: Number(values.events ?? defaults.events),
    results: await openResults(file),
  }
}

export const say = (line: string): void => {
  process.stderr.write(`${new Date().toISOString().slice(11, 19)} ${line}\n`)
}
