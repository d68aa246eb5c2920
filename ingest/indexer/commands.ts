import { quote } from 'shell-quote'
import { maskCommandLine } from '#services/masking/mask-argv.ts'
import type { Command } from '#services/schema/session.ts'
import { type NumberedCommand, type OpenCommand, ownerOf, programOf, withLine, withoutEnded } from './open-commands.ts'
import type { ToldLine } from './typed/typing.ts'

/** Typed lines and execs of one session → its commands. */

const limits = {
  children: 1_000, // per command; more are counted
  childChars: 32_768, // of all kept children of a command together
  unexplained: 1_000, // execs that no line explains, as commands of their own; more are counted on the last of them
  argvWords: 256,
  argvChars: 4_096,
  ran: 16,
} as const

export type Commands = {
  next: number
  current: number | null // of the command that execs belong to
  open: OpenCommand[] // that may execute something, in the order in which they were typed
  typed: number // lines so far
  unexplained: number
  lastUnexplained: NumberedCommand | null
}

export const newCommands = (): Commands => ({
  next: 0,
  current: null,
  open: [],
  typed: 0,
  unexplained: 0,
  lastUnexplained: null,
})

/** Told of each command that is new or changed. */
export type Changed = (command: NumberedCommand) => void

export const boundedArgv = (argv: readonly string[]): string[] => {
  const kept: string[] = []
  let room: number = limits.argvChars
  for (const word of argv) {
    if (kept.length === limits.argvWords || room <= 0) return [...kept, `…[${argv.length - kept.length} more]`]
    kept.push(
      word.length <= room ? word : `${word.slice(0, room).toWellFormed()}…[${word.length - room} more characters]`,
    )
    room -= word.length + 1
  }
  return kept
}

const charsOf = (argv: readonly string[]): number => argv.reduce((sum, word) => sum + word.length + 3, 0)

const newCommand = (
  commands: Commands,
  command: Partial<Command> & Pick<Command, 'atMs' | 'line' | 'via' | 'source' | 'confidence'>,
): NumberedCommand => ({
  number: commands.next++,
  command: { argv: [], children: [], childCount: 0, startup: false, exitCode: null, ...command },
})

const currentOf = ({ open, current }: Commands): OpenCommand | null =>
  open.find(({ number }) => number === current) ?? null

/** A typed line. */
export const addLine = (commands: Commands, told: ToldLine, changed: Changed): void => {
  const { text, atMs, taken, prompt, source, confidence } = told
  const line = maskCommandLine(text)
  const added = newCommand(commands, { atMs, line, via: 'typed', source, confidence })
  const open: OpenCommand = { ...added, childChars: 0, ran: [], prompt, untaken: !taken }
  commands.typed++
  changed(added)
  if (taken) for (const earlier of commands.open) earlier.untaken = false
  commands.open = withLine(commands.open, open)
  if (taken) commands.current = added.number
}

/** A secret was taken as a line: what follows is not explained by any. */
export const addSecret = (commands: Commands): void => {
  commands.current = null
  commands.open = withoutEnded(commands.open)
}

export const changeLine = (commands: Commands, text: string, changed: Changed): void => {
  const current = currentOf(commands)
  if (!current) return
  Object.assign(current.command, { line: maskCommandLine(text), source: 'screen' })
  changed(current)
}

const run = (commands: Commands, command: OpenCommand): void => {
  command.untaken = false
  commands.current = command.number
}

/** A line typed ahead is run now, when what the shell shows ends with it. */
export const takeShownLine = (commands: Commands, shown: string): boolean => {
  const masked = maskCommandLine(shown.trimEnd())
  const next = commands.open.find(({ untaken, command }) => untaken && masked.endsWith(command.line))
  if (next) run(commands, next)
  return next !== undefined
}

export const hasUntaken = ({ open }: Commands): boolean => open.some(({ untaken }) => untaken)

const addExec = (open: OpenCommand, argv: string[], atMs: number): void => {
  const { command, ran } = open
  const name = programOf(argv)
  if (ran.length < limits.ran && !ran.includes(name)) ran.push(name)
  if (command.argv.length === 0) {
    command.argv = argv
    return
  }
  command.childCount++
  const chars = charsOf(argv)
  if (command.children.length >= limits.children || open.childChars + chars > limits.childChars) return
  open.childChars += chars
  command.children.push({ atMs, argv })
}

const addUnexplained = (commands: Commands, argv: string[], atMs: number, startup: boolean, changed: Changed): void => {
  const last = commands.lastUnexplained
  if (commands.unexplained >= limits.unexplained && last) {
    last.command.childCount++
    changed(last)
    return
  }
  commands.unexplained++
  const added = newCommand(commands, {
    atMs,
    line: quote(argv),
    argv,
    via: 'exec',
    source: 'exec',
    confidence: 1,
    startup,
  })
  commands.lastUnexplained = added
  changed(added)
}

/** The command that was started as the session itself. */
export const addSessionCommand = (commands: Commands, line: string | null, argv: string[], changed: Changed): void => {
  const bounded = boundedArgv(argv)
  changed(
    newCommand(commands, {
      atMs: 0,
      line: line ?? quote(bounded),
      argv: bounded,
      via: 'exec',
      source: 'exec',
      confidence: 1,
    }),
  )
}

/** One execve. */
export const takeProgram = (
  commands: Commands,
  executed: string[],
  atMs: number,
  startup: boolean,
  changed: Changed,
): void => {
  const argv = boundedArgv(executed)
  const owner = ownerOf(commands.open, currentOf(commands), argv)
  if (!owner) {
    addUnexplained(commands, argv, atMs, startup, changed)
    return
  }
  if (owner.untaken) run(commands, owner)
  addExec(owner, argv, atMs)
  changed(owner)
}
