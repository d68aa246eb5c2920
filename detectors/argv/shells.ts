import { letters, readOptions } from './options.ts'
import { nameOf, unwrap } from './unwrap.ts'

const shells = new Set('sh bash dash zsh ksh mksh ash fish csh tcsh rbash'.split(' '))
export const isShell = (word: string | undefined): boolean => shells.has(nameOf(word))

/** What a shell is started for: commands of a line, a script, or somebody who types. */
export type ShellUse = { line: string } | 'script' | 'interactive'

export const shellUse = (args: readonly string[]): ShellUse => {
  const { flags, values, operands } = readOptions(args, {
    withValue: letters('o O rcfile init-file'),
    isStrict: true,
  })
  if (flags.has('c')) return { line: operands[0] ?? '' }
  if (values.has('rcfile') || flags.has('version') || flags.has('help')) return 'script'
  return operands.length > 0 ? 'script' : 'interactive'
}

/** Bartizan's own wrapper in front of a recorded session: `bash WRAPPER --recorded PID [COMMAND]`. */
export const isWrapper = (argv: readonly string[]): boolean => argv[2] === '--recorded' && isShell(argv[0])

export const isInteractiveShell = (argv: readonly string[]): boolean => {
  const inner = unwrap(argv).argv
  return isShell(inner[0]) && shellUse(inner.slice(1)) === 'interactive'
}
