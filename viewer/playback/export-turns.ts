import { BartizanError } from '#services/errors.ts'

/** Exports that a process makes at once: each reads and decrypts evidence for as long as its reader takes. */
export type TurnLimits = { inAll: number; ofOne: number }

export const exportLimits: TurnLimits = { inAll: 16, ofOne: 4 }
/** Emulates the terminal from the beginning on, in the thread that answers everybody. */
export const transcriptLimits: TurnLimits = { inAll: 2, ofOne: 1 }
/** A reader that takes nothing for as long gives its turn up. */
export const stuckMs = 60_000

const tooMany = (message: string) =>
  new BartizanError('BTZ_TOO_MANY_REQUESTS', message, { hint: 'wait until one of them is done' })

/** `take` gives a turn back by what it returns; again: nothing. @throws BTZ_TOO_MANY_REQUESTS */
export const createTurns = (what: string, { inAll, ofOne }: TurnLimits) => {
  const counts = new Map<string, number>()
  let taken = 0
  return {
    take: (name: string): (() => void) => {
      const own = counts.get(name) ?? 0
      if (own >= ofOne) throw tooMany(`${what} under way: ${ofOne} of ${name}, as many as one may have`)
      if (taken >= inAll) throw tooMany(`${what} under way: ${inAll}, as many as are made here at once`)
      counts.set(name, own + 1)
      taken += 1
      let isBack = false
      return () => {
        if (isBack) return
        isBack = true
        taken -= 1
        const left = counts.get(name)! - 1
        if (left > 0) counts.set(name, left)
        else counts.delete(name)
      }
    },
  }
}
