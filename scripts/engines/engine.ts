import { type Launch, startProcess } from './engine-process.ts'
import { ended, type ProcessIdentity, signalProcess, stopProcess } from './process-identity.ts'

export type Engine = {
  /** Of what runs now: one, or none after kill. */
  processes(): ProcessIdentity[]
  /** Resolves when it has ended; with SIGSTOP and SIGCONT at once. */
  kill(signal: NodeJS.Signals): Promise<void>
  /** After kill: on the same ports and data; waits until it is ready. */
  restart(): Promise<void>
  stop(): Promise<void>
}

/** An engine of one process, started and ready. */
export const startEngine = async (launch: Launch): Promise<Engine> => {
  let identity: ProcessIdentity | null = await startProcess(launch)
  return {
    processes: () => (identity === null ? [] : [identity]),
    kill: async (signal) => {
      if (identity === null) throw new Error(`${launch.name} does not run`)
      await signalProcess(identity, signal)
      if (signal === 'SIGSTOP' || signal === 'SIGCONT') return
      if (!(await ended(identity, 60_000))) throw new Error(`${launch.name} does not end`)
      identity = null
    },
    restart: async () => {
      if (identity !== null) throw new Error(`${launch.name} still runs`)
      identity = await startProcess(launch)
    },
    stop: async () => {
      if (identity !== null) await stopProcess(identity)
      identity = null
    },
  }
}
