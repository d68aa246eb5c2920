import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as wait } from 'node:timers/promises'
import type { LineSource, OnLines, Position, SourceProblem } from './line-source.ts'
import { createLineSplitter } from './line-splitter.ts'

export type JournalPosition = Extract<Position, { kind: 'journal' }>

export type FollowJournalOptions = {
  /** null: from the journal's beginning. */
  from: JournalPosition | null
  /** SYSLOG_IDENTIFIER of the entries that are read. */
  identifiers: readonly string[]
  onProblem: (problem: SourceProblem) => void
  /** Arguments before ours, such as `--directory=…`. */
  journalctl?: string[]
}

const restartMs = 1000
const maxErrorText = 500

const argumentsOf = (cursor: string | null, identifiers: readonly string[]): string[] => [
  '--follow',
  '--no-tail',
  '--output=json',
  '--all',
  '--quiet',
  ...(cursor === null ? [] : [`--after-cursor=${cursor}`]),
  ...identifiers.map((name) => `SYSLOG_IDENTIFIER=${name}`),
]

const cursorOf = (line: string): string | null => {
  try {
    const { __CURSOR: cursor } = JSON.parse(line) as { __CURSOR?: unknown }
    return typeof cursor === 'string' ? cursor : null
  } catch {
    return null
  }
}

/** What some programs tell journald, one JSON line each; journalctl is started again when it ends. */
export const followJournal = ({
  from,
  identifiers,
  onProblem,
  journalctl = ['journalctl'],
}: FollowJournalOptions): LineSource => {
  const closing = new AbortController()
  const [command = 'journalctl', ...before] = journalctl
  let cursor = from?.cursor ?? null
  let running: Promise<void> = Promise.resolve()

  const deliver = async (chunk: Buffer, lines: ReturnType<typeof createLineSplitter>, onLines: OnLines) => {
    const split = lines.push(chunk)
    if (split.length === 0 || closing.signal.aborted) return
    for (const { cutBytes } of split)
      if (cutBytes > 0) onProblem({ reason: 'line_cut', detail: 'journal: an entry over 64 KiB', bytes: cutBytes })
    const reached = split.map(({ text }) => cursorOf(text)).findLast((found) => found !== null) ?? cursor
    const texts = split.map(({ text }) => text)
    try {
      await onLines(texts, reached === null ? null : { kind: 'journal', cursor: reached })
      cursor = reached
    } catch (error) {
      closing.abort()
      onProblem({ reason: 'stopped', detail: `journal: ${String(error)}` })
    }
  }

  /** Until journalctl ends: why it did. */
  const follow = async (onLines: OnLines): Promise<string> => {
    const child = spawn(command, [...before, ...argumentsOf(cursor, identifiers)], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const ended = once(child, 'close').then(
      ([code, signal]) => `ended with ${signal ?? code}`,
      (error: unknown) => String(error),
    )
    const stop = () => void child.kill()
    closing.signal.addEventListener('abort', stop, { once: true })
    let said = ''
    child.stderr.on('data', (data: Buffer) => {
      said = (said + data.toString('utf8')).slice(-maxErrorText)
    })
    const lines = createLineSplitter(0)
    for await (const chunk of child.stdout) await deliver(chunk as Buffer, lines, onLines)
    const how = await ended
    closing.signal.removeEventListener('abort', stop)
    return `${how} ${said}`.trim()
  }

  const run = async (onLines: OnLines): Promise<void> => {
    while (!closing.signal.aborted) {
      const why = await follow(onLines).catch(String)
      if (closing.signal.aborted) return
      onProblem({ reason: 'restarted', detail: `journalctl: ${why}` })
      await wait(restartMs, undefined, { signal: closing.signal }).catch(() => undefined)
    }
  }

  return {
    start: async (onLines) => {
      running = run(onLines)
    },
    close: async () => {
      closing.abort()
      await running
    },
  }
}
