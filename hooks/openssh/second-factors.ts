import type { FailureReason, SshdLogState } from './state.ts'
import { asTyped } from './written-text.ts'

const maxRemembered = 256
const limitMs = 120_000

/** What PAM modules said of users lately, in a process of their own; sshd's own line on the login follows. Bounded. */
export const createSecondFactors = (snapshot: SshdLogState['secondFactors']) => {
  const said = new Map(snapshot.map(({ key, ...word }) => [key, word]))
  const keyOf = (host: string, user: string): string => `${host} ${asTyped(user)}` // modules write names as they are
  return {
    note: (host: string, user: string, reason: FailureReason | null, atMs: number): void => {
      const key = keyOf(host, user)
      said.delete(key)
      said.set(key, { reason, atMs })
      if (said.size > maxRemembered) said.delete(said.keys().next().value ?? '')
    },
    /** Once; null: nothing was said lately. */
    take: (host: string, user: string, nowMs: number): FailureReason | 'passed' | null => {
      if (said.size === 0) return null
      const key = keyOf(host, user)
      const word = said.get(key)
      said.delete(key)
      if (!word || Math.abs(nowMs - word.atMs) > limitMs) return null
      return word.reason ?? 'passed'
    },
    snapshot: (): SshdLogState['secondFactors'] => [...said].map(([key, word]) => ({ key, ...word })),
  }
}
export type SecondFactors = ReturnType<typeof createSecondFactors>
