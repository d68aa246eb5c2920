import { seededRandom } from '#test/helpers/seeded-random.ts'
import { rareWord } from './corpus.ts'

const ofEachKind = 5

/** A fixed mix: the same for a number of sessions, each kind as often as any other. */
export const queriesFor = (sessions: number): Record<string, string[]> => {
  const random = seededRandom(42)
  const below = (limit: number): number => Math.floor(random() * limit)
  const some = (make: () => string): string[] => Array.from({ length: ofEachKind }, make)
  const programs = ['systemctl', 'kubectl', 'docker', 'password', 'journal']
  const program = (): string => programs[below(programs.length)]!
  return {
    'rare word': some(() => rareWord(below(sessions))),
    'frequent word': some(program),
    substring: some(() => `p-${100 + below(400)}/part-${below(10)}`),
    'two words': some(() => `${program()} app-${below(500)}/`),
    phrase: some(() => `"systemctl ${['restart', 'status', 'stop', 'reload'][below(4)]}"`),
    'field and word': some(() => `user:user-${below(400)} ${program()}`),
    'screen word': some(() => `screen:pid=${below(32_768)}`),
    'screen phrase': some(() => 'screen:"permission denied"'),
    exclusion: some(() => `${program()} -srv -${['billing', 'nginx'][below(2)]}`),
  }
}
