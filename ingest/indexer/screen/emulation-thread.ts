import { setPriority } from 'node:os'
import { BartizanError } from '#services/errors.ts'
import { decodeBatchHeader } from '#services/recordings/format/frame-batch.ts'
import type { TerminalSize } from '#services/terminal/terminal-size.ts'
import { answerCalls } from '#services/worker-calls.ts'
import { createLiveScreen, type LiveScreen, type Shown } from './live-screen.ts'

/** The thread that emulates: the most expensive thing there is, so everything else of the process goes first. */

const lowPriority = 3 // half the share of the rest, and not so little that a busy machine leaves it standing

export type EmulationOperations = {
  /** `state`: as saved; null: from the beginning. */
  open(key: string, size: TerminalSize, state: string | null): void
  /** The finished bytes of a session's next batch. */
  take(key: string, finished: Uint8Array): Shown
  save(key: string): string
  forget(key: string): void
}

const createOperations = (): EmulationOperations => {
  const screens = new Map<string, LiveScreen>()
  const screenOf = (key: string): LiveScreen => {
    const screen = screens.get(key)
    if (screen) return screen
    throw new BartizanError('BTZ_UNAVAILABLE', 'the screen of a session is not open')
  }
  const forget = (key: string): void => {
    screens.get(key)?.dispose()
    screens.delete(key)
  }
  return {
    open: (key, size, state) => {
      forget(key)
      screens.set(key, createLiveScreen(size, state))
    },
    take: (key, finished) => screenOf(key).take(decodeBatchHeader(finished)),
    save: (key) => screenOf(key).save(),
    forget,
  }
}

answerCalls(() => {
  setPriority(lowPriority) // on Linux of this thread alone: setpriority(2), "C library/kernel differences"
  return { operations: createOperations(), close: () => {} }
})
