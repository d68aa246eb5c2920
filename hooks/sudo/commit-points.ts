/** Tells a client how much of what it sent is durable: the newest sum at once, then at most one per interval. */
export type CommitPoints = {
  durable(elapsedNs: bigint): void
  stop(): void
}

export const createCommitPoints = (options: {
  send: (elapsedNs: bigint) => void
  sentNs: () => bigint // the client's own sum: it is never told more than it sent
  belowSent: boolean // tell only of less than all that was sent
  fromNs: bigint
  everyMs: number
}): CommitPoints => {
  let toldNs = options.fromNs
  let durableNs = options.fromNs
  let timer: NodeJS.Timeout | null = null
  const tell = (): void => {
    const sentNs = options.sentNs()
    let elapsedNs = sentNs
    if (durableNs < elapsedNs) elapsedNs = durableNs
    if (elapsedNs <= toldNs || (options.belowSent && elapsedNs === sentNs)) return
    toldNs = elapsedNs
    options.send(elapsedNs)
    timer = setTimeout(() => {
      timer = null
      tell()
    }, options.everyMs)
  }
  return {
    durable: (elapsedNs) => {
      if (elapsedNs > durableNs) durableNs = elapsedNs
      if (timer === null) tell()
    },
    stop: () => {
      if (timer !== null) clearTimeout(timer)
      timer = null
      toldNs = options.sentNs() // and stay silent from here on
      durableNs = 0n
    },
  }
}
