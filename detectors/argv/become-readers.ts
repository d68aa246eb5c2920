import { type Act, act, type Reader, type ReadInner, type Who } from './acts.ts'
import { writes } from './file-readers.ts'
import { letters, type Options, readOptions } from './options.ts'
import { commandsOf } from './shell-line.ts'
import { isInteractiveShell, isWrapper } from './shells.ts'
import { unwrap } from './unwrap.ts'

/** sudo, su and their like: who is become, and what is done as them. */

const sudoGrammar = {
  withValue: letters(
    'u g h p C T R D r t U user group host prompt close-from command-timeout chroot chdir role type other-user',
  ),
  isStrict: true,
}
const rootIds = new Set(['root', '#0', '0', ''])
const wrongIds = new Set(['#-1', '#4294967295'])

const shellOf = (target: string, { user }: Who): Act[] => {
  if (rootIds.has(target)) return act('root-shell')
  return target === user ? [] : act('other-shell')
}

/** Of a command that runs as `target`. */
const as = (target: string, argv: readonly string[], who: Who, read: ReadInner): Act[] => {
  if (isWrapper(argv)) return []
  if (isInteractiveShell(argv)) return shellOf(target, who)
  return read(argv, { ...who, isRoot: rootIds.has(target) })
}

const libraries = /^LD_(?:PRELOAD|LIBRARY_PATH|AUDIT)=/

const sudoOptions = ({ flags, values }: Options): Act[] => {
  const user = values.get('u') ?? values.get('user') ?? ''
  if (wrongIds.has(user)) return act('invalid-uid')
  return flags.has('R') || flags.has('chroot') ? act('sudo-chroot') : []
}

const sudo: Reader = (args, who, read, name) => {
  const options = readOptions(args, sudoGrammar)
  const { flags, values } = options
  const target = values.get('u') ?? values.get('user') ?? 'root'
  const { argv, assignments } = unwrap(options.operands)
  if (flags.has('e') || flags.has('edit') || name === 'sudoedit')
    return writes(options.operands, { ...who, isRoot: true })
  const odd = [...sudoOptions(options), ...(assignments.some((one) => libraries.test(one)) ? act('sudo-preload') : [])]
  const isShell = ['i', 's', 'login', 'shell'].some((flag) => flags.has(flag))
  if (flags.has('l') || flags.has('list')) return odd
  if (argv.length === 0) return [...odd, ...(isShell ? shellOf(target, who) : [])]
  return [...odd, ...as(target, argv, who, read)]
}

const line = (text: string, target: string, who: Who, read: ReadInner): Act[] =>
  commandsOf(text).flatMap(({ argv, writes: files }) => [
    ...as(target, argv, who, read),
    ...writes(files, { ...who, isRoot: rootIds.has(target) }),
  ])

const suGrammar = {
  withValue: letters('c s g G w command session-command shell group supp-group whitelist-environment u user'),
}

const su: Reader = (args, who, read, name) => {
  const { values, operands } = readOptions(args, suGrammar)
  const named = values.get('u') ?? values.get('user')
  const words = operands.filter((word) => word !== '-')
  const target = named ?? words[0] ?? 'root'
  if (name === 'runuser' && named !== undefined) return as(named, words, who, read)
  const text = values.get('c') ?? values.get('command') ?? values.get('session-command')
  return text === undefined ? shellOf(target, who) : line(text, target, who, read)
}

const doas: Reader = (args, who, read) => {
  const { flags, values, operands } = readOptions(args, { withValue: letters('u C'), isStrict: true })
  const target = values.get('u') ?? 'root'
  return flags.has('s') && operands.length === 0 ? shellOf(target, who) : as(target, operands, who, read)
}

const pkexec: Reader = (args, who, read) => {
  const { values, operands } = readOptions(args, { withValue: letters('user u'), isStrict: true })
  const target = values.get('user') ?? values.get('u') ?? 'root'
  return operands.length === 0 ? shellOf(target, who) : as(target, operands, who, read)
}

export const becomeReaders: ReadonlyMap<string, Reader> = new Map([
  ['sudo', sudo],
  ['sudoedit', sudo],
  ['su', su],
  ['runuser', su],
  ['doas', doas],
  ['pkexec', pkexec],
])
