import { BartizanError } from '#services/errors.ts'
import { type Sent, SinkUnavailable } from '#services/sinks/sink.ts'
import type { Durably } from './durably.ts'
import type { Outlet, Planned } from './outlet.ts'
import type { Pause } from './pause.ts'
import { retryDelayMs } from './retry-delay.ts'

/** Faults that are not the destination's word may come from one item: then it is sought, and put aside after so many. */
const faultsToBlame = 5

export type SendContext<L> = {
  outlet: Outlet<L>
  pause: Pause
  durably: Durably
  /** Durable when resolved: these are left, from this number on. */
  replan(left: Planned<L>[], seq: number): Promise<void>
  told: { failed(error: unknown, failures: number): void; taken(lastSeq: number, count: number): void }
}

/** Sends everything, however long it takes, or until the signal aborts. What is refused is put aside, and its number reused. */
export const sendPlan = async <L>(
  { outlet, pause, durably, replan, told }: SendContext<L>,
  planned: Planned<L>[],
  firstSeq: number,
  signal: AbortSignal,
): Promise<void> => {
  let [left, seq, failures, together] = [planned, firstSeq, 0, planned.length]

  const putAside = async (reason: string): Promise<void> => {
    await durably(() => outlet.putAside(left[0]!, reason))
    left = left.slice(1)
    await replan(left, seq)
  }
  const sendSome = (): Promise<Sent> => {
    const batch = left.slice(0, together).map(({ load }, at) => ({ seq: seq + at, load }))
    return outlet.send(batch, signal)
  }
  const note = async ({ taken, refused }: Sent): Promise<void> => {
    left = left.slice(taken)
    seq += taken
    if (taken > 0 || refused) failures = 0
    if (taken > 0) told.taken(seq - 1, taken)
    if (refused) await putAside(refused.reason)
  }
  /** Halves what is sent together, down to the item with which it fails. */
  const suspect = async (error: unknown): Promise<void> => {
    if (together > 1) together = Math.ceil(together / 2)
    else if (failures >= faultsToBlame) {
      failures = 0
      await putAside(`sending it fails: ${error instanceof Error ? error.name : 'error'}`)
    }
  }
  while (left.length > 0 && !signal.aborted) {
    let sent: Sent
    try {
      sent = await sendSome()
    } catch (error) {
      if (signal.aborted) return
      failures++
      told.failed(error, failures)
      await pause(
        retryDelayMs(failures, error instanceof SinkUnavailable ? error.retryAfterMs : null, Math.random()),
        signal,
      )
      // A wrong setting or a back end that is away says nothing about the item.
      const isFault = !(error instanceof SinkUnavailable || error instanceof BartizanError)
      if (isFault && !signal.aborted) await suspect(error)
      continue
    }
    await note(sent)
  }
}
