import type { Answer, ReceiverCall, ReceiverClient } from '#services/uplink/receiver-client.ts'

/** The way to the receiver: what goes over it, and whether it stands. */
export type Link = {
  /** Null: there is no answer now. */
  ask(call: ReceiverCall): Promise<Answer | null>
  readonly isUp: boolean
  /** The receiver was heard, and takes us for who we are. */
  heard(): void
}

export const createLink = (client: ReceiverClient): Link => {
  let isUp = false
  return {
    ask: async (call) => {
      try {
        const answer = await client.call(call)
        isUp = true
        return answer
      } catch {
        // Whoever asked may have gone; that says nothing of the link.
        if (!call.signal.aborted) isUp = false
        client.lookAgain()
        return null
      }
    },
    get isUp() {
      return isUp
    },
    heard: () => {
      isUp = true
      client.accepted()
    },
  }
}
