import { createSerial } from '#services/bus/serial.ts'
import { BartizanError, hasCode } from '#services/errors.ts'
import type { Logger } from '#services/log.ts'
import type { TerminalSize } from '#services/terminal/terminal-size.ts'
import { startWorkerCalls, type WorkerCalls } from '#services/worker-calls.ts'
import type { EmulationOperations } from './emulation-thread.ts'
import type { Shown } from './live-screen.ts'

/** Of one batch: a hundred times what the slowest of real captures takes, and less than a heartbeat of the bus. */
const maxTakeMs = 8_000
const heapMb = 512
const maxStrikes = 2
const mostOpen = 256 // terminals of the process: each has 1 to 2 MiB

export type Emulation = {
  /** Grows when the thread was lost, and with it all screens that were open. */
  generation(): number
  openCount(): number
  hasRoom(): boolean
  open(key: string, size: TerminalSize, state: string | null): Promise<void>
  /**
   * @throws BTZ_BATCH_INVALID the batch counts as missing
   * @throws BTZ_SCREEN_UNAVAILABLE this session's screen cannot be emulated
   * @throws BTZ_UNAVAILABLE the thread was lost: take all again that came after the state that was saved
   */
  take(key: string, finished: Uint8Array): Promise<Shown>
  save(key: string): Promise<string>
  forget(key: string): Promise<void>
  close(): Promise<void>
}

const unavailable = (error: unknown): BartizanError =>
  new BartizanError('BTZ_SCREEN_UNAVAILABLE', `its output broke the emulation: ${(error as Error).message}`)

export type EmulationThread = WorkerCalls<EmulationOperations>

export const startEmulationThread = (): Promise<EmulationThread> =>
  startWorkerCalls<EmulationOperations>({
    file: new URL('./emulation-thread.ts', import.meta.url),
    data: null,
    what: 'the thread that emulates screens',
    maxPending: 1, // so that it is known which session breaks it
    heapMb,
  })

/** One thread for all sessions of the process; each call is one session's turn. It is started when it is needed. */
export const createEmulation = (
  log: Logger,
  { startThread = startEmulationThread, maxOpen = mostOpen } = {},
): Emulation => {
  const inTurn = createSerial()
  const open = new Set<string>()
  const strikes = new Map<string, number>()
  let thread: EmulationThread | null = null
  let generation = 0
  let isClosed = false

  const current = async (): Promise<EmulationThread> => {
    if (thread) return thread
    if (isClosed) throw new BartizanError('BTZ_UNAVAILABLE', 'no screen is emulated any more: this process stops')
    const started = await startThread()
    thread = started
    void started.stopped.then((why) => {
      if (thread !== started) return
      thread = null
      generation++
      open.clear()
      log.warn({ reason: why.message }, 'screens are emulated in a new thread')
    })
    return started
  }
  /** What broke is the session's screen; whoever breaks the thread twice in a row would do so again. */
  const blamed = (key: string, error: unknown): unknown => {
    if (thread !== null) return hasCode(error, 'BTZ_INTERNAL') ? unavailable(error) : error
    const count = (strikes.get(key) ?? 0) + 1
    strikes.set(key, count)
    if (count < maxStrikes) return error
    strikes.delete(key)
    return unavailable(error)
  }
  const limited = async (calls: EmulationThread, key: string, finished: Uint8Array): Promise<Shown> => {
    const timer = setTimeout(() => calls.kill(`took longer than ${maxTakeMs} ms for one batch`), maxTakeMs)
    try {
      const shown = await calls.call('take', key, finished)
      strikes.delete(key)
      return shown
    } catch (error) {
      await null // the end of the thread is told first
      throw blamed(key, error)
    } finally {
      clearTimeout(timer)
    }
  }
  return {
    generation: () => generation,
    openCount: () => open.size,
    hasRoom: () => open.size < maxOpen,
    open: (key, size, state) =>
      inTurn(async () => {
        await (await current()).call('open', key, size, state)
        open.add(key)
      }),
    take: (key, finished) => inTurn(async () => limited(await current(), key, finished)),
    save: (key) => inTurn(async () => (await current()).call('save', key)),
    forget: (key) =>
      inTurn(async () => {
        if (!open.delete(key)) return
        await thread?.call('forget', key)
      }),
    close: () =>
      inTurn(async () => {
        isClosed = true
        const last = thread
        thread = null
        await last?.close()
      }),
  }
}
