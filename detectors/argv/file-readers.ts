import { type Act, act, type Reader, type Who } from './acts.ts'
import { fileKind, hiddenBy, isPasswordHashes } from './files.ts'
import { letters, readOptions } from './options.ts'

/** What programs do with the files they are given. */

export const writes = (paths: readonly string[], who: Who): Act[] =>
  paths.flatMap((path) => {
    const kind = fileKind(path, who)
    return kind ? act(kind) : []
  })
export const hides = (paths: readonly string[]): Act[] =>
  paths.flatMap((path) => {
    const kind = hiddenBy(path)
    return kind ? act(kind) : []
  })
const reads = (paths: readonly string[]): Act[] => (paths.some(isPasswordHashes) ? act('shadow') : [])

const operandsOf = (args: readonly string[], withValue = ''): readonly string[] =>
  readOptions(args, { withValue: letters(withValue) }).operands

const reading: Reader = (args) => reads(operandsOf(args))
const searching: Reader = (args) => {
  const { operands, values } = readOptions(args, { withValue: letters('e f m A B C regexp file max-count') })
  return reads(values.has('e') || values.has('regexp') || values.has('f') ? operands : operands.slice(1))
}
const writing: Reader = (args, who) => writes(operandsOf(args, 'c cmd s S T u U w W'), who)
const changing: Reader = (args, who) => writes(operandsOf(args).slice(1), who)

/** The last operand is where it goes; the others are read. */
const copying: Reader = (args, who, _, name) => {
  const { operands, values } = readOptions(args, {
    withValue: letters('t target-directory m mode o owner g group S suffix e'),
  })
  const folder = values.get('t') ?? values.get('target-directory')
  const sources = folder === undefined ? operands.slice(0, -1) : operands
  const target = folder ?? operands.at(-1)
  const setuid = name === 'install' && isSetuid(values.get('m') ?? values.get('mode') ?? '') ? act('setuid') : []
  const inside =
    target === undefined ? [] : [target, ...sources.map((source) => `${target}/${source.split('/').at(-1)}`)]
  const emptied = sources.includes('/dev/null') && target !== undefined ? hides([target]) : []
  const moved = name === 'mv' ? hides(sources) : []
  return [...unique(writes(inside, who)), ...reads(sources), ...setuid, ...emptied, ...moved]
}
const unique = (found: readonly Act[]): Act[] =>
  found.filter(({ kind }, at) => found.findIndex((one) => one.kind === kind) === at)

const removing: Reader = (args, who) => {
  const operands = operandsOf(args, 's size n iterations')
  return [...hides(operands), ...writes(operands, who)]
}

const streamEditing: Reader = (args, who) => {
  const { flags, values, operands } = readOptions(args, { withValue: letters('e expression f file') })
  const isInPlace =
    [...flags].some((flag) => flag === 'i' || flag === 'in-place') || args.some((word) => word.startsWith('-i'))
  const paths = values.has('e') || values.has('expression') || values.has('f') ? operands : operands.slice(1)
  return isInPlace ? writes(paths, who) : reads(paths)
}

const ddLike: Reader = (args, who) => {
  const value = (key: string): string[] =>
    args.filter((word) => word.startsWith(`${key}=`)).map((word) => word.slice(key.length + 1))
  return [...writes(value('of'), who), ...reads(value('if'))]
}

const fetching: Reader = (args, who) => {
  const { values } = readOptions(args, { withValue: letters('o O output output-document T upload-file d data') })
  const to = ['o', 'O', 'output', 'output-document'].flatMap((key) => values.get(key) ?? [])
  const from = ['T', 'upload-file', 'd', 'data'].flatMap((key) => values.get(key)?.replace(/^@/, '') ?? [])
  return [...writes(to, who), ...reads(from)]
}

const visudo: Reader = (args, who) => {
  const { flags, values } = readOptions(args, { withValue: letters('f file x export') })
  if (flags.has('c') || flags.has('check') || flags.has('V') || flags.has('h')) return []
  const file = values.get('f') ?? values.get('file')
  return file === undefined ? act('sudoers') : writes([file], who)
}

const crontab: Reader = (args, { user, isRoot }) => {
  const { flags, values } = readOptions(args, { withValue: letters('u') })
  const owner = values.get('u') ?? (isRoot ? 'root' : user)
  return owner !== user && !flags.has('l') ? act('cron') : []
}

/** Whether a mode sets the set-user-id bit. */
const isSetuid = (mode: string): boolean => {
  if (/^[0-7]{4,5}$/.test(mode)) return (Number.parseInt(mode, 8) & 0o4000) !== 0
  return mode.split(',', 8).some((clause) => {
    const at = clause.search(/[+=]/)
    const who = clause.slice(0, at)
    return at >= 0 && clause.slice(at).includes('s') && (who === '' || who.includes('u') || who.includes('a'))
  })
}
const chmod: Reader = (args, who) => {
  const [mode = '', ...paths] = operandsOf(args)
  return [...(paths.length > 0 && isSetuid(mode) ? act('setuid') : []), ...writes(paths, who)]
}

const table: readonly (readonly [string, Reader])[] = [
  [
    'cat tac nl less more head tail cut sort strings base64 base32 xxd od hexdump tar zip gzip bzip2 xz john unshadow hashcat view',
    reading,
  ],
  ['grep egrep fgrep zgrep rg', searching],
  ['vi vim nvim vimdiff nano emacs ed ex joe mcedit pico micro tee touch sponge sudoedit', writing],
  ['chown chgrp chattr setfacl', changing],
  ['cp mv install ln rsync scp', copying],
  ['rm unlink shred truncate', removing],
  ['sed perl', streamEditing],
  ['dd', ddLike],
  ['curl wget', fetching],
  ['visudo', visudo],
  ['vipw vigr', () => act('passwd-file')],
  ['crontab', crontab],
  ['chmod', chmod],
  ['getent', (args) => (args[0] === 'shadow' ? act('shadow') : [])],
]
export const fileReaders: ReadonlyMap<string, Reader> = new Map(
  table.flatMap(([names, reader]) => names.split(' ').map((name) => [name, reader] as const)),
)
