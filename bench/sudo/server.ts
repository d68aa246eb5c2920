import type { Running } from '../cluster/process-cost.ts'

/** A log server on a folder of its own. */
export type LogServer = {
  port: number
  /** Its processes, by what they do. */
  parts: Record<string, Running>
  /** Resolves when so many sessions are stored for good. */
  stored(sessions: number): Promise<void>
  stop(): Promise<void>
  /** After the stop: SHA-256 of the terminal output of every session it holds. */
  readBack(): Promise<string[]>
}
export type Contestant = { name: string; start(folder: string): Promise<LogServer> }
