import type { TtyMode } from '#hooks/hook.ts'
import type { OutputAnswer } from './output-answer.ts'

/**
 * What may keep a typed key:
 * - keep: nothing is needed, the terminal shows what is typed
 * - answer: an echo, or another reaction of a program that has the terminal in raw mode
 * - echo: only an echo, because the readings of the mode contradict each other
 * - mask: nothing, the terminal reads a secret
 */
export type KeyPolicy = 'keep' | 'answer' | 'echo' | 'mask'

export type MaskRule =
  | 'tty-no-echo' // ICANON without ECHO when typed, or one of two readings said so and no echo came
  | 'mask-echo' // the program printed `*` for it
  | 'unanswered' // Enter, and no key of the line was answered
  | 'undecided-limit' // held as long, or as much, as may be
  | 'undecided-end' // the session ended

export type Verdict = 'keep' | MaskRule

/** One line of typing, from Enter to Enter. */
export type TypedLine = {
  policy: Exclude<KeyPolicy, 'keep'>
  starred: boolean // a mask character was printed for a key of this line
  alternate: boolean // typed on the alternate screen
  keys: number
  lastKey: number // byte
  answered: number // keys echoed, and reactions of a screen program
  unanswered: number // keys since the last answer
  reactions: number // of the program since then
  lastKeyMs: number
  endedMs: number | null
  pasted: boolean // holds a bracketed paste: programs take one as a whole, line ends in it are no Enter
}

export const newLine = (): TypedLine => ({
  policy: 'answer',
  starred: false,
  alternate: false,
  keys: 0,
  lastKey: 0,
  answered: 0,
  unanswered: 0,
  reactions: 0,
  lastKeyMs: 0,
  endedMs: null,
  pasted: false,
})

/** @param fresh read when the keys arrived @param remembered the last one read before */
export const policyOf = (fresh: TtyMode, remembered: TtyMode | null): KeyPolicy => {
  const before = remembered ?? fresh
  if (fresh === 'no_echo' && before === 'no_echo') return 'mask'
  if (fresh === 'no_echo' || before === 'no_echo') return 'echo'
  return fresh === 'echo' ? 'keep' : 'answer'
}

const keysPerReaction = 2
const keysPerReactionTrusted = 8 // "ayy, ma, then p
const fewKeys = 4
const trustedAnswers = 3

/** A secret's keys have no answers, and one or two by chance must not be believed. */
export const isTrusted = (line: TypedLine): boolean => line.answered >= trustedAnswers

/** The answer of a screen program or a line editor, not a message of any program. */
export const countsAsScreen = (line: TypedLine, output: OutputAnswer): boolean =>
  output.moves || (line.alternate && output.answers)

/**
 * Output that is no echo answers few keys only, so that one message from the background, or a prompt that appears
 * while a password is typed ahead, does not give away a line: a screen program's answer stands for two keys
 * (dd, gg), for more where it has answered before, plain text for one key alone (y/n, "press any key").
 */
export const reactionAnswers = (line: TypedLine, output: OutputAnswer, waitingKeys: number): boolean => {
  if (!countsAsScreen(line, output)) return waitingKeys === 1
  line.reactions++
  return line.reactions * (isTrusted(line) ? keysPerReactionTrusted : keysPerReaction) >= waitingKeys
}

/** Prompts print a mask character per key, or redraw themselves with as many as there are keys. */
export const isStarred = (line: TypedLine, output: OutputAnswer): boolean =>
  line.lastKey !== 0x2a && (output.masks || (output.trailingMasks > 0 && output.trailingMasks === line.keys))

/**
 * Of keys nobody answered in time, few are kept where a program takes keys without showing them (`yy`, `ma`, j on the
 * last line): on the alternate screen, or in a line whose other keys were answered.
 */
export const keepsUnanswered = (line: TypedLine, keys: number): boolean =>
  line.policy === 'answer' && (line.alternate || isTrusted(line)) && keys < fewKeys

export const verdictUnanswered = (line: TypedLine, rule: MaskRule): Verdict => {
  if (line.starred) return 'mask-echo'
  if (keepsUnanswered(line, line.unanswered)) return 'keep'
  return line.policy === 'echo' ? 'tty-no-echo' : rule
}
