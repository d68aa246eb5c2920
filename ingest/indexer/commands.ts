import { basename } from 'node:path'
import { quote } from 'shell-quote'
import { maskCommandLine } from '#services/masking/mask-argv.ts'
import type { Command } from '#services/schema/session.ts'

/** Typed lines and execs of one session → its commands. */

const limits = {
  children: 1_000, // per command; more are counted
  childChars: 32_768, // of all kept children of a command together
  unexplained: 1_000, // execs that no line explains, as commands of their own; more are counted on the last of them
  argvWords: 256,
  argvChars: 4_096,
  ran: 16,
  untaken: 16,
} as const

export type NumberedCommand = { number: number; command: Command }
type OpenCommand = NumberedCommand & { childChars: number; ran: string[] } // ran: names of programs it executed

export type Commands = {
  next: number
  current: OpenCommand | null // execs belong to it
  untaken: OpenCommand[] // typed while something else ran, or pasted together: a shell may run them later
  typed: number // lines so far
  unexplained: number
  lastUnexplained: NumberedCommand | null
}

export const newCommands = (): Commands => ({
  next: 0,
  current: null,
  untaken: [],
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

/** The program's name as it would stand in a line: -bash is bash. */
const nameOf = (argv: readonly string[]): string => basename(argv[0] ?? '').replace(/^-/, '')

export const mentions = (line: string, argv: readonly string[]): boolean => {
  const name = nameOf(argv)
  if (name === '') return false
  for (let at = line.indexOf(name); at >= 0; at = line.indexOf(name, at + 1)) {
    const isWord = !/[\w.+-]/.test(line[at - 1] ?? ' ') && !/[\w.+-]/.test(line[at + name.length] ?? ' ')
    if (isWord) return true
  }
  return false
}

const newCommand = (
  commands: Commands,
  command: Partial<Command> & Pick<Command, 'atMs' | 'line' | 'via'>,
): OpenCommand => ({
  number: commands.next++,
  command: { argv: [], children: [], childCount: 0, startup: false, exitCode: null, ...command },
  childChars: 0,
  ran: [],
})

/** A typed line. `taken`: it runs now. Null: a secret was taken as a line, what follows is not explained by any. */
export const addLine = (
  commands: Commands,
  text: string | null,
  atMs: number,
  taken: boolean,
  changed: Changed,
): void => {
  if (taken) commands.current = null
  if (text === null) return
  const added = newCommand(commands, { atMs, line: maskCommandLine(text), via: 'typed' })
  commands.typed++
  changed(added)
  if (taken) {
    commands.current = added
    commands.untaken = []
  } else commands.untaken = [...commands.untaken, added].slice(-limits.untaken)
}

export const changeLine = (commands: Commands, text: string, changed: Changed): void => {
  if (!commands.current) return
  commands.current.command.line = maskCommandLine(text)
  changed(commands.current)
}

const takeUntaken = (commands: Commands, index: number): boolean => {
  if (index < 0) return false
  commands.current = commands.untaken[index]!
  commands.untaken = commands.untaken.slice(index + 1)
  return true
}

/** A line typed ahead is run now, when what the shell shows ends with it. */
export const takeShownLine = (commands: Commands, shown: string): boolean => {
  const masked = maskCommandLine(shown.trimEnd())
  return takeUntaken(
    commands,
    commands.untaken.findIndex(({ command }) => masked.endsWith(command.line)),
  )
}

const addExec = (open: OpenCommand, argv: string[], atMs: number): void => {
  const { command, ran } = open
  const name = nameOf(argv)
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
  const { number, command } = newCommand(commands, { atMs, line: quote(argv), argv, via: 'exec', startup })
  commands.lastUnexplained = { number, command }
  changed({ number, command })
}

/** The command that was started as the session itself. */
export const addSessionCommand = (commands: Commands, line: string | null, argv: string[], changed: Changed): void => {
  const bounded = boundedArgv(argv)
  changed(newCommand(commands, { atMs: 0, line: line ?? quote(bounded), argv: bounded, via: 'exec' }))
}

/**
 * One execve. It belongs to the line that runs, unless a line not yet taken names the program and the running one does
 * not, or has run it already.
 */
export const takeProgram = (
  commands: Commands,
  executed: string[],
  atMs: number,
  startup: boolean,
  changed: Changed,
): void => {
  const argv = boundedArgv(executed)
  const { current } = commands
  const isCurrents = current && mentions(current.command.line, argv) && !current.ran.includes(nameOf(argv))
  if (!isCurrents)
    takeUntaken(
      commands,
      commands.untaken.findIndex(({ command }) => mentions(command.line, argv)),
    )
  if (commands.current) {
    addExec(commands.current, argv, atMs)
    changed(commands.current)
  } else addUnexplained(commands, argv, atMs, startup, changed)
}
