import { type Options, say } from './options.ts'
import type { Result } from './results.ts'
import type { Session } from './session.ts'

export type Stage = { measure(session: Session, options: Options): Promise<void>; print(options: Options): void }
export type Contestant = { name: string; measure(): Promise<object> }

const attempt = async (session: Session, what: string, act: () => Promise<unknown>): Promise<boolean> => {
  say(what)
  try {
    await act()
    return true
  } catch (error) {
    process.exitCode = 1
    say(`${what}: failed: ${(error as Error).message}`)
    await session.discardEngines()
    return false
  }
}

/**
 * Rounds in which each contestant has its turn. On engines that were just started a round of all comes first that
 * is not counted: their code is not compiled yet.
 */
export const measureRounds = async (
  session: Session,
  { rounds, results, isContestant }: Options,
  { stage, size }: { stage: string; size: number },
  all: Contestant[],
): Promise<void> => {
  const contestants = all.filter(isContestant)
  let isWarm = false
  const warmUp = async (): Promise<void> => {
    isWarm = true
    for (const { name, measure } of contestants) await attempt(session, `${stage}, warm-up: ${name}`, measure)
  }
  for (let round = 1; round <= rounds; round++) {
    for (const { name: pipeline, measure } of contestants) {
      const key = { stage, pipeline, round: `${round}`, size }
      if (results.find(key)) continue
      if (!isWarm) await warmUp()
      const record = async () => results.add(key, await measure())
      isWarm = await attempt(session, `${stage}, round ${round} of ${rounds}: ${pipeline}`, record)
    }
  }
}

/** All rounds of each contestant, for the table. */
export const roundsOf = <T extends object>(
  { rounds, results }: Options,
  stage: string,
  size: number,
  contestants: readonly { name: string }[],
): Map<string, Result<T>[]> => {
  const numbers = Array.from({ length: rounds }, (_, n) => `${n + 1}`)
  const of = (pipeline: string) =>
    numbers.map((round) => results.find({ stage, pipeline, round, size })).filter((found) => found !== undefined)
  return new Map(contestants.map(({ name }) => [name, of(name) as Result<T>[]]))
}
