import { spawn } from 'node:child_process'
import { connect, Socket } from 'node:net'
import type { Readable, Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import type { TtyMode } from '#hooks/hook.ts'
import type { Logger } from '#services/log.ts'

const script = fileURLToPath(new URL('./tty-probe.pl', import.meta.url))
const maxWaiting = 1024
const answerWithinMs = 500
const restartAfterMs = 1_000 // so that a probe that cannot run is not started for every key
const modes = new Set<string>(['echo', 'no_echo', 'raw'] satisfies TtyMode[])

type Channel = { input: Writable; output: Readable; pid?: number | undefined; kill(): void }
type Open = (onEnd: (why: unknown) => void) => Channel

/** Asks a small process of its own for the mode of terminals. Whatever goes wrong, the answer is `unknown`. */
export type TtyProbe = {
  mode(terminal: string): Promise<TtyMode>
  readonly pid: number | undefined
  close(): void
}

/** Perl as a child of ours, which may look at what we may look at. */
const ownChild =
  (perl: string): Open =>
  (onEnd) => {
    const child = spawn(perl, [script], {
      cwd: '/',
      env: { PATH: '/usr/bin:/bin', LC_ALL: 'C' },
      stdio: ['pipe', 'pipe', 'ignore'],
    })
    child.on('error', (error) => onEnd(error.message))
    child.on('exit', (code, signal) => onEnd(signal ?? code))
    child.unref()
    for (const pipe of [child.stdin, child.stdout]) if (pipe instanceof Socket) pipe.unref()
    return { input: child.stdin, output: child.stdout, pid: child.pid, kill: () => void child.kill('SIGKILL') }
  }

/** The same program, run as root by somebody else behind a socket (bartizan-tty-probe.socket). */
const rootProbe =
  (path: string): Open =>
  (onEnd) => {
    const socket = connect(path)
    socket.on('error', (error) => onEnd(error.message))
    socket.on('close', () => onEnd('closed'))
    socket.unref()
    return { input: socket, output: socket, kill: () => void socket.destroy() }
  }

const createProbe = (log: Logger, open: Open, question: RegExp): TtyProbe => {
  let channel: Channel | null = null
  let diedAtMs = Number.NEGATIVE_INFINITY
  let waiting: ((mode: TtyMode) => void)[] = []
  let watchdog: NodeJS.Timeout | undefined

  const dead = (gone: Channel | null, why: unknown): void => {
    if (gone === null || channel !== gone) return
    channel = null
    diedAtMs = performance.now()
    clearTimeout(watchdog)
    gone.kill()
    log.warn({ why }, 'terminal probe ended; typed lines are judged without it until it is back')
    const unanswered = waiting
    waiting = []
    for (const answer of unanswered) answer('unknown')
  }

  const watch = (): void => {
    clearTimeout(watchdog)
    const asked = channel
    if (asked && waiting.length > 0) watchdog = setTimeout(() => dead(asked, 'no answer'), answerWithinMs)
  }

  const start = (): Channel => {
    const started: Channel = open((why) => dead(started, why))
    started.input.on('error', () => {})
    started.output.setEncoding('latin1')
    let rest = ''
    started.output.on('data', (text: string) => {
      const lines = (rest + text).split('\n')
      rest = lines.pop()!.slice(0, 100)
      for (const line of lines) waiting.shift()?.(modes.has(line) ? (line as TtyMode) : 'unknown')
      watch()
    })
    return started
  }

  return {
    mode: (asked) => {
      if (!question.test(asked) || waiting.length >= maxWaiting) return Promise.resolve('unknown')
      if (!channel && performance.now() - diedAtMs < restartAfterMs) return Promise.resolve('unknown')
      channel ??= start()
      return new Promise((resolve) => {
        waiting.push(resolve)
        if (waiting.length === 1) watch()
        channel?.input.write(`${asked}\n`)
      })
    },
    get pid() {
      return channel?.pid
    },
    close: () => {
      const running = channel
      channel = null
      clearTimeout(watchdog)
      running?.kill()
      for (const answer of waiting) answer('unknown')
      waiting = []
    },
  }
}

export const createTtyProbe = (log: Logger, perl = '/usr/bin/perl'): TtyProbe =>
  createProbe(log, ownChild(perl), /^\/dev\/pts\/[0-9]{1,10}$/)

/** Where the package's probe listens. */
export const rootProbePath = '/run/bartizan-agent/tty-probe'

/** For an agent that is not root: `mode` takes the inode of sudo's socket instead of a terminal. */
export const createRootProbe = (log: Logger, path = rootProbePath): TtyProbe =>
  createProbe(log, rootProbe(path), /^[1-9][0-9]{0,19}$/)
