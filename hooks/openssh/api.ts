import type { HookEvent } from '#hooks/hook.ts'
import type { SshdLogState } from './state.ts'

/** An event with the id that live follow and a later import of the same lines agree on. */
export type SshdEvent = HookEvent & { id: string }

export type SshdLogOptions = {
  bastion: string
  /** IANA zone of times without one. */
  zone: string
  /** Year of the first line that has none. */
  year?: number
  /**
   * Times without a year are never later than this (and a day, for wrong clocks): the wall clock when following, the
   * file's mtime when importing. Without it and without `year`, lines that name no year are undated.
   */
  notAfterMs?: () => number
  snapshot?: SshdLogState
}

export type SshdLogCounts = {
  lines: number
  /** Lines of sshd and its sftp servers. */
  sshdLines: number
  events: number
  /** Lines over 64 KiB, of which only the start was read. */
  cut: number
  /** Lines of sshd without a usable time: no event came of them. */
  undated: number
  /** Repetitions that one line stood for, beyond what is expanded. */
  unexpanded: number
}

export type SshdLog = {
  /** One raw line without its line end: of a file, a syslog payload, or a JSON line. */
  take(line: string): SshdEvent[]
  /** What was announced long before `nowMs` (Unix ms) and can have no more lines: at the end of a log, of which a part may be missing. */
  settle(nowMs: number): SshdEvent[]
  /** Bounded; JSON. Whoever goes on with it and the next line gets the same events. */
  snapshot(): SshdLogState
  /** Since creation. */
  readonly counts: Readonly<SshdLogCounts>
}
