import { accountReaders } from './account-readers.ts'
import { type Act, act, type Reader, type ReadInner, type Who } from './acts.ts'
import { assigns, auditReaders } from './audit-readers.ts'
import { becomeReaders } from './become-readers.ts'
import { escapeReaders } from './escape-readers.ts'
import { fileReaders, hides, writes } from './file-readers.ts'
import { commandsOf } from './shell-line.ts'
import { isShell, isWrapper, shellUse } from './shells.ts'
import { nameOf, unwrap } from './unwrap.ts'

/** What a command does with privileges: of its words, never of what only mentions such a word. */

const maxDepth = 5
const maxActs = 20

const readersOf = new Map<string, Reader[]>()
for (const readers of [becomeReaders, escapeReaders, fileReaders, accountReaders, auditReaders])
  for (const [name, reader] of readers) readersOf.set(name, [...(readersOf.get(name) ?? []), reader])

const nothing: Act[] = []

const readLine = (line: string, who: Who, depth: number): Act[] =>
  commandsOf(line).flatMap(({ argv, writes: files }) => [
    ...read(argv, who, depth),
    ...[...writes(files, who), ...hides(files)].map((one) => ({ ...one, isExternal: false })),
  ])

const read = (argv: readonly string[], who: Who, depth: number): Act[] => {
  if (depth > maxDepth || argv.length === 0 || isWrapper(argv)) return nothing
  const { argv: inner, assignments } = unwrap(argv)
  const assigned = assignments.length > 0 ? assigns(assignments) : nothing
  const name = nameOf(inner[0])
  if (isShell(inner[0])) {
    const use = shellUse(inner.slice(1))
    if (typeof use === 'object') return [...assigned, ...readLine(use.line, who, depth + 1)]
    return use === 'interactive' && who.isRoot ? [...assigned, ...act('root-shell')] : assigned
  }
  const readers = readersOf.get(name)
  if (readers === undefined) return assigned
  const readInner: ReadInner = (words, as) => read(words, as, depth + 1)
  const args = inner.slice(1)
  return [...assigned, ...readers.flatMap((reader) => reader(args, who, readInner, name))]
}

const once = (found: readonly Act[]): Act[] =>
  found.filter(({ kind }, at) => found.findIndex((one) => one.kind === kind) === at).slice(0, maxActs)

/** Of a command as it was executed. */
export const actsOfArgv = (argv: readonly string[], who: Who): Act[] => {
  const found = read(argv, who, 0)
  return found.length < 2 ? found : once(found)
}

// Typed into a pager or an editor, which run it.
const shellOut = /^[:]?!\s{0,4}(?:\/[a-z/]{0,32}\/)?(?:ba|da|z|k)?sh\s{0,4}$/

/** Of a line as it was typed: into a shell, as far as anybody can tell. */
export const actsOfLine = (line: string, who: Who): Act[] =>
  shellOut.test(line.slice(0, 128)) ? [{ kind: 'own-escape', isExternal: true }] : once(readLine(line, who, 0))
