import type { SessionOpening } from '#hooks/hook.ts'

/** What tells whether a new session was started inside another one. */
export type Lineage = {
  sessionId: string
  connectionId: string | null
  sshTty: string | null // the terminal sshd made; inherited by everything in it
}

/**
 * The session a new one was started in, or null. `open`: in the order they were opened.
 *
 * With a terminal: sshd's own session sits on SSH_TTY; a sudo on any other terminal runs inside a recorded one. Without
 * one, only somebody who becomes another user can be told from the login itself, and only while one session is open
 * on the connection.
 */
export const parentOf = (opening: SessionOpening, open: readonly Lineage[]): string | null => {
  if (opening.connectionId === null) return null
  const sshTty = opening.env.SSH_TTY ?? null
  const related = open.filter((each) => each.connectionId === opening.connectionId && each.sshTty === sshTty)
  if (opening.tty !== null && sshTty !== null) {
    return opening.tty === sshTty ? null : (related.at(-1)?.sessionId ?? null)
  }
  const becomesOther = opening.runAs !== null && opening.runAs !== opening.user
  return becomesOther && related.length === 1 ? related[0]!.sessionId : null
}
