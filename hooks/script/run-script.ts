import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { readlinkSync } from 'node:fs'
import { constants } from 'node:os'
import { BartizanError } from '#services/errors.ts'
import { type AgentLink, linkToAgent } from './agent-link.ts'
import type { OpenRequest } from './control.ts'

const endLimitMs = 10_000
const maxCommandBytes = 120 * 1024 // Linux takes 128 KiB in one string of the environment (execve(2))
const kept = ['SSH_CONNECTION', 'SSH_CLIENT', 'SSH_TTY', 'SSH_ORIGINAL_COMMAND', 'LANG', 'LC_ALL', 'TERM']

// script opens its files itself, so it is given descriptors by name; the recorded program must not inherit them: it
// could write into its own recording, and what it leaves running would keep the FIFOs open. The command is not in the
// option, because script writes that into its logs as it is, line ends and secrets included.
const inside =
  'exec 3>&- 4>&-; recorded=$RECORDED_COMMAND; SHELL=$RECORDED_SHELL; unset RECORDED_COMMAND RECORDED_SHELL; eval "exec $recorded"'
const scriptArgs = ['-q', '-e', '-f', '-m', 'advanced', '-B', '/dev/fd/3', '-T', '/dev/fd/4', '-c', inside]

const quoted = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`

const environment = (argv: readonly string[], shell: string): NodeJS.ProcessEnv => {
  const command = argv.map(quoted).join(' ')
  if (Buffer.byteLength(command) > maxCommandBytes) {
    throw new BartizanError('BTZ_REQUEST_INVALID', `a command of more than ${maxCommandBytes} bytes`)
  }
  const isPlain = /^[\w.+-]{1,64}$/.test(process.env.TERM ?? '')
  // TERM too is written into the logs, as a format string even (log_info in util-linux 2.38).
  const term = process.env.TERM !== undefined && !isPlain ? { TERM: 'dumb' } : {}
  return { ...process.env, ...term, SHELL: '/bin/sh', RECORDED_COMMAND: command, RECORDED_SHELL: shell }
}

const terminalOfStdin = (): string | null => {
  const target = readlinkSync('/proc/self/fd/0')
  return process.stdin.isTTY && target.startsWith('/dev/') ? target : null
}

const requestOf = (argv: string[]): Omit<OpenRequest, 'type'> => ({
  argv,
  cwd: process.cwd(),
  tty: terminalOfStdin(),
  rows: process.stdout.rows ?? null,
  cols: process.stdout.columns ?? null,
  env: Object.fromEntries(
    kept.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name].slice(0, 4096)]])),
  ),
  client: spawnSync('script', ['--version'], { encoding: 'utf8' }).stdout?.trim().slice(0, 256) || 'script',
})

/** script makes the person's terminal raw; one that is killed cannot undo it. */
const keepTerminal = (): (() => void) => {
  const stdio: ['inherit', 'pipe', 'ignore'] = ['inherit', 'pipe', 'ignore']
  const saved = process.stdin.isTTY ? spawnSync('stty', ['-g'], { stdio, encoding: 'utf8' }).stdout?.trim() : ''
  return () => {
    if (saved) spawnSync('stty', [saved], { stdio: ['inherit', 'ignore', 'ignore'] })
  }
}

type Started = { child: ChildProcess; exit: Promise<number> }
const start = async (link: AgentLink, argv: string[], shell: string): Promise<Started> => {
  const env = environment(argv, shell)
  const { data, timing } = await link.begin(requestOf(argv))
  const child = spawn('script', scriptArgs, { stdio: ['inherit', 'inherit', 'inherit', data.fd, timing.fd], env })
  const exit = exitOf(child) // before anything is waited for: it may be over by then
  exit.catch(() => {}) // whoever waits for it hears of it
  // Ours would keep the FIFOs open when script is gone.
  await Promise.all([data.close(), timing.close()])
  if (child.pid !== undefined) link.started(child.pid)
  return { child, exit }
}

const exitOf = (child: ChildProcess): Promise<number> =>
  new Promise((resolve, reject) => {
    child.once('error', (cause) =>
      reject(
        new BartizanError('BTZ_UNAVAILABLE', 'script cannot be run', {
          hint: 'it is part of util-linux (Debian: the package bsdutils)',
          cause,
        }),
      ),
    )
    child.once('exit', (code, signal) => resolve(code ?? 128 + (signal ? constants.signals[signal] : 0)))
  })

/** The timer keeps the process alive: what is waited for may have nothing left that does. */
const within = async <T>(limitMs: number, waiting: Promise<T>): Promise<T | 'late'> => {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<'late'>((resolve) => {
    timer = setTimeout(resolve, limitMs, 'late')
  })
  try {
    return await Promise.race([waiting, late])
  } finally {
    clearTimeout(timer)
  }
}

/**
 * Runs a command in a terminal that the agent of this host records. Resolves with the exit code for the shell, when the
 * recording is durable. When the agent goes away or says so, script is killed, and what runs in its terminal with it.
 * @throws BTZ_NOT_RUNNING BTZ_FORBIDDEN BTZ_UNAVAILABLE: nothing was started
 */
export const runRecorded = async (options: {
  port: number
  trustedUids: readonly number[]
  argv: string[]
  shell: string
  tell: (text: string) => void
}): Promise<number> => {
  const link = await linkToAgent(options.port, options.trustedUids)
  const restoreTerminal = keepTerminal()
  try {
    const { child, exit } = await start(link, options.argv, options.shell)
    // Nothing of what a terminal sends to all in front of it may end us before script.
    for (const signal of ['SIGINT', 'SIGQUIT', 'SIGTSTP'] as const) process.on(signal, () => {})
    for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void child.kill(signal))
    void link.over.then((text) => text !== null && child.kill('SIGKILL'))
    const exitCode = await exit
    const text = await within(endLimitMs, link.over)
    restoreTerminal()
    if (text === 'late') options.tell('the agent has not said that the end of the recording is safe')
    else if (text !== null) options.tell(text)
    return exitCode
  } finally {
    link.close()
  }
}
