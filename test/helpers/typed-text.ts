import type { Step } from './typed-session.ts'

/** mulberry32: the same typing for the same seed. */
export const seededRandom = (seed: number): (() => number) => {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

const words =
  'log status the restart nginx of config backup to disk hosts überall free 世界 service audit deploy'.split(' ')

type Random = () => number
const pick = <T>(random: Random, from: readonly T[]): T => from[Math.floor(random() * from.length)]!
const word = (random: Random): string => pick(random, words)
const sentence = (random: Random): string => Array.from({ length: 3 }, () => word(random)).join(' ')
const times = (random: Random, key: string, most: number): string => key.repeat(1 + Math.floor(random() * most))

export type Habit = (random: Random) => string

export const vimHabits: Habit[] = [
  (random) => times(random, pick(random, ['j', 'k', 'l', 'h', 'w', 'b']), 8),
  (random) => pick(random, ['G', 'gg', '0', '$', '5j', '12G', '%', 'H', 'L']),
  (random) => pick(random, ['dd', 'yy', 'yyp', 'x', 'u', '"ayy', 'ma', 'dw', 'J', '3dd', 'P', 'zz']),
  (random) => `${pick(random, ['o', 'A', 'i', 'O'])}${sentence(random)}\u001b`,
  (random) => `o${sentence(random)}\r${sentence(random)}\u001b`,
  (random) => `cw${word(random)}\u001b`,
  (random) => `/${pick(random, ['line', 'file', 'status'])}\r${times(random, 'n', 3)}`,
  (random) => pick(random, [':set number\r', ':set nonumber\r', ':w\r', ':%s/line/row/g\r', ':noh\r']),
  (random) => `v${times(random, 'l', 4)}y`,
]
export const lessHabits: Habit[] = [
  (random) => times(random, pick(random, ['j', 'k', 'd', 'u', ' ', 'b']), 9),
  (random) => pick(random, ['G', 'g', '50g', 'F\u0003', '=\r', '-N\r']),
  (random) => `/${pick(random, ['line 7', 'of the', '99'])}\r${times(random, pick(random, ['n', 'N']), 4)}`,
]
export const topHabits: Habit[] = [
  (random) =>
    times(random, pick(random, ['M', 'P', 'T', 'N', 'c', 'z', 'x', 'i', 'V', '1', 't', 'm', 'R', '<', '>']), 2),
  () => 'h ',
  () => '=',
]
export const shellHabits: Habit[] = [
  (random) => `echo ${sentence(random)}\r`,
  (random) => `ls ${pick(random, ['/', '-la /etc/hosts', '/tmp/nothing-here'])}\r`,
  (random) => `ech ${word(random)}\u0001${'\u0006'.repeat(3)}o\u0005 more\r`,
  (random) => `echo ${word(random)}${'\u007f'.repeat(2)}x\r`,
  () => 'pwd\r',
  () => '\u001b[A\r',
  () => '\u001b[A\u001b[A\u0001# \r',
  () => 'ls /us\t\r',
  (random) => `\u0012${pick(random, ['ech', 'ls', 'pw'])}\u0005 # again\r`,
  (random) => `${word(random)}\u0003`,
  () => "printf '%s\\n' a b  c | sort -r\r",
  () => 'x\u0015id -u\r',
]

/** Keys of one reading of the keyboard: cursor keys and UTF-8 come whole. */
const keysOf = (text: string): string[] => text.match(/\u001b\[[A-Z]|[\s\S]/gu) ?? []

/**
 * Typing of at least `textKeys` keys that are no control keys: 15 to 45 ms apart, faster than anybody (nothing makes it
 * harder to tell which answer belongs to which key), with pauses longer than a key may be held. Behind Escape a person
 * waits, or it means Alt.
 */
export const typing = (
  habits: readonly Habit[],
  textKeys: number,
  seed: number,
  [fastestMs, slowestMs] = [15, 45],
): Step[] => {
  const random = seededRandom(seed)
  const steps: Step[] = []
  let before = ''
  let count = 0
  let nextPause = textKeys / 8
  while (count < textKeys) {
    const pauseMs = steps.length >= nextPause ? 2200 : fastestMs + 60 * random()
    if (steps.length >= nextPause) nextPause += textKeys / 4
    for (const [index, typed] of keysOf(pick(random, habits)(random)).entries()) {
      const afterMs = index === 0 ? pauseMs : fastestMs + (slowestMs - fastestMs) * random()
      steps.push({ typed, afterMs: before === '\u001b' ? Math.max(100, afterMs) : afterMs })
      before = typed
      if (typed >= ' ' && typed !== '\u007f') count++
    }
  }
  return steps
}
