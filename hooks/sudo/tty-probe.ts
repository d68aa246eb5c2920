import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { Socket } from 'node:net'
import type { Readable, Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import type { TtyMode } from '#hooks/hook.ts'
import type { Logger } from '#services/log.ts'

const script = fileURLToPath(new URL('./tty-probe.pl', import.meta.url))
const maxWaiting = 1024
const answerWithinMs = 500
const restartAfterMs = 1_000 // so that a probe that cannot run is not started for every key
const modes = new Set<string>(['echo', 'no_echo', 'raw'] satisfies TtyMode[])

type Child = ChildProcessByStdio<Writable, Readable, null>

/** Asks a small process of its own for the mode of terminals. Whatever goes wrong, the answer is `unknown`. */
export type TtyProbe = {
  mode(terminal: string): Promise<TtyMode>
  readonly pid: number | undefined
  close(): void
}

export const createTtyProbe = (log: Logger, perl = '/usr/bin/perl'): TtyProbe => {
  let child: Child | null = null
  let diedAtMs = Number.NEGATIVE_INFINITY
  let waiting: ((mode: TtyMode) => void)[] = []
  let watchdog: NodeJS.Timeout | undefined

  const dead = (gone: Child, why: unknown): void => {
    if (child !== gone) return
    child = null
    diedAtMs = performance.now()
    clearTimeout(watchdog)
    gone.kill('SIGKILL')
    log.warn({ why }, 'terminal probe ended; typed lines are judged without it until it is back')
    const unanswered = waiting
    waiting = []
    for (const answer of unanswered) answer('unknown')
  }

  const watch = (): void => {
    clearTimeout(watchdog)
    const asked = child
    if (asked && waiting.length > 0) watchdog = setTimeout(() => dead(asked, 'no answer'), answerWithinMs)
  }

  const start = (): Child => {
    const started = spawn(perl, [script], {
      cwd: '/',
      env: { PATH: '/usr/bin:/bin', LC_ALL: 'C' },
      stdio: ['pipe', 'pipe', 'ignore'],
    })
    started.on('error', (error) => dead(started, error.message))
    started.on('exit', (code, signal) => dead(started, signal ?? code))
    started.stdin.on('error', () => {})
    started.stdout.setEncoding('latin1')
    let rest = ''
    started.stdout.on('data', (text: string) => {
      const lines = (rest + text).split('\n')
      rest = lines.pop()!.slice(0, 100)
      for (const line of lines) waiting.shift()?.(modes.has(line) ? (line as TtyMode) : 'unknown')
      watch()
    })
    started.unref()
    for (const pipe of [started.stdin, started.stdout]) if (pipe instanceof Socket) pipe.unref()
    return started
  }

  return {
    mode: (terminal) => {
      if (!/^\/dev\/pts\/[0-9]{1,10}$/.test(terminal) || waiting.length >= maxWaiting) return Promise.resolve('unknown')
      if (!child && performance.now() - diedAtMs < restartAfterMs) return Promise.resolve('unknown')
      child ??= start()
      return new Promise((resolve) => {
        waiting.push(resolve)
        if (waiting.length === 1) watch()
        child?.stdin.write(`${terminal}\n`)
      })
    },
    get pid() {
      return child?.pid
    },
    close: () => {
      const running = child
      child = null
      clearTimeout(watchdog)
      running?.kill()
      for (const answer of waiting) answer('unknown')
      waiting = []
    },
  }
}
