import type { SshdLogState } from './state.ts'

const maxRemembered = 256
const limitMs = 120_000

/** What second factors said of users lately; sshd's own line on the login follows. Bounded. */
export const createSecondFactors = (snapshot: SshdLogState['secondFactors']) => {
  const said = new Map(snapshot.map(({ key, ...word }) => [key, word]))
  const keyOf = (host: string, user: string): string => `${host} ${user}`
  return {
    note: (host: string, user: string, denied: boolean, atMs: number): void => {
      const key = keyOf(host, user)
      said.delete(key)
      said.set(key, { denied, atMs })
      if (said.size > maxRemembered) said.delete(said.keys().next().value ?? '')
    },
    /** Once; null: nothing was said lately. */
    take: (host: string, user: string, nowMs: number): 'denied' | 'passed' | null => {
      if (said.size === 0) return null
      const key = keyOf(host, user)
      const word = said.get(key)
      said.delete(key)
      if (!word || Math.abs(nowMs - word.atMs) > limitMs) return null
      return word.denied ? 'denied' : 'passed'
    },
    snapshot: (): SshdLogState['secondFactors'] => [...said].map(([key, word]) => ({ key, ...word })),
  }
}
export type SecondFactors = ReturnType<typeof createSecondFactors>
