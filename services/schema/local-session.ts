/** Sessions that sudo, su and login of a bastion write into its log: no ssh connection of their own. */

/** `source` of their events. */
export const localSource = 'auth-log'

const slackMs = 2_000 // a log may have whole seconds only
/** Of a log server that is waited for, and a second factor that is asked for. */
const beginsWithinMs = 12_000
/** For as long as one without an end is believed to go on. */
export const goesOnMs = 12 * 3_600_000

export type LocalStart = { atMs: number; tty: string | null }
/** `endedAtMs` null: it goes on, or nobody said that it ended. */
export type UserRecording = { startedAtMs: number; endedAtMs: number | null }

/** Other terminals are no program's: a recording inside of which somebody works makes pseudo-terminals only. */
export const isPseudoTerminal = (tty: string | null): boolean => tty === null || /^(\/dev\/)?pts\//.test(tty)

/** Whether a recording of the same user on the same bastion is that of the session, or the one inside of which it began. */
export const explains = ({ startedAtMs, endedAtMs }: UserRecording, { atMs, tty }: LocalStart): boolean => {
  const isIts = startedAtMs >= atMs - slackMs && startedAtMs <= atMs + beginsWithinMs
  const isAround = startedAtMs <= atMs && (endedAtMs ?? startedAtMs + goesOnMs) >= atMs - slackMs
  return isIts || (isAround && isPseudoTerminal(tty))
}

/** In which a recording that explains a session may begin; those that go on then may have begun before it. */
export const explainedBetween = (atMs: number): { fromMs: number; toMs: number } => ({
  fromMs: atMs - slackMs,
  toMs: atMs + beginsWithinMs,
})
