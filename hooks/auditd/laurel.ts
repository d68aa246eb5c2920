import { z } from 'zod'
import { argumentsWithin, type Execve, numberOf, resultOf, ttyOf } from './execve.ts'

const Id = z.string().regex(/^\d{1,12}\.\d{3}:\d{1,20}$/)
const short = z.string().max(4096).nullish()
const scalar = z.union([z.string().max(64), z.number()]).nullish()

/** A line of laurel with its execve-argv as an array: https://github.com/threathunters-io/laurel. */
const LaurelEvent = z.object({
  ID: Id,
  NODE: z.string().max(253).optional(),
  SYSCALL: z.object({
    success: short,
    exit: scalar,
    pid: scalar,
    ppid: scalar,
    auid: scalar,
    uid: scalar,
    euid: scalar,
    ses: scalar,
    tty: short,
    exe: short,
    key: short,
    AUID: short,
    UID: short,
    EUID: short,
  }),
  EXECVE: z.object({ argc: scalar, ARGV: z.array(z.unknown()).max(65_536) }),
  CWD: z.object({ cwd: short }).optional(),
})

const namesOf = ({ SYSCALL }: z.infer<typeof LaurelEvent>): Map<number, string> => {
  const pairs = [
    [SYSCALL.auid, SYSCALL.AUID],
    [SYSCALL.uid, SYSCALL.UID],
    [SYSCALL.euid, SYSCALL.EUID],
  ] as const
  const known = pairs.map(([id, name]) => [numberOf(id), name] as const)
  return new Map(
    known.filter(
      (pair): pair is [number, string] => pair[0] !== null && typeof pair[1] === 'string' && pair[1] !== 'unset',
    ),
  )
}

const isExecve = (value: unknown): boolean => typeof value === 'object' && value !== null && 'EXECVE' in value

/** Null: an event of another kind. A reason: it cannot be read. */
export const readLaurel = (line: string): Execve | string | null => {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    return 'not JSON, or cut'
  }
  if (!isExecve(value)) return null
  const result = LaurelEvent.safeParse(value)
  if (!result.success) return `not an event of laurel: ${result.error.issues[0]?.path.join('.') ?? ''}`
  const { ID, NODE = '', SYSCALL, EXECVE, CWD } = result.data
  const [seconds = '', milliseconds = ''] = ID.split(/[.:]/)
  const { argv, argvCut } = argumentsWithin(
    EXECVE.ARGV.map((each) => (typeof each === 'string' ? Buffer.from(each) : null)),
  )
  return {
    eventId: `${NODE} ${ID}`,
    atMs: Number(seconds) * 1000 + Number(milliseconds),
    argv,
    argvCut: argvCut || (numberOf(EXECVE.argc) ?? argv.length) !== argv.length,
    cwd: CWD?.cwd ?? null,
    exe: SYSCALL.exe ?? null,
    succeeded: SYSCALL.success === 'yes',
    result: resultOf(SYSCALL.exit),
    pid: numberOf(SYSCALL.pid),
    ppid: numberOf(SYSCALL.ppid),
    auid: numberOf(SYSCALL.auid),
    uid: numberOf(SYSCALL.uid),
    euid: numberOf(SYSCALL.euid),
    ses: numberOf(SYSCALL.ses),
    tty: ttyOf(SYSCALL.tty ?? undefined),
    key: SYSCALL.key ?? null,
    names: namesOf(result.data),
  }
}
