import test from 'ava'
import { type Derived, derive } from '#ingest/indexer/derive.ts'
import { loadState, saveState } from '#ingest/indexer/session-state.ts'
import { type Frame, Stream } from '#services/recordings/format/frame-batch.ts'
import { EndReason } from '#services/schema/generated/frame_batch_pb.ts'
import type { Command } from '#services/schema/session.ts'
import {
  decoded,
  exec,
  frame,
  marker,
  masked,
  recordedSession,
  sessionAtMs,
  shown,
  typed,
} from '#test/helpers/recorded-session.ts'

const prompt = shown('\x1b[?2004h$ ')
const echo = (line: string): Frame => shown(`${line}\r\n\x1b[?2004l\r`)
/** A line typed at a prompt of bash, and what it executes. */
const ran = (line: string, ...execs: Frame[]): Frame[] => [prompt, typed(`${line}\r`), echo(line), ...execs]

const run = (batches: Uint8Array[]) => {
  const commands = new Map<number, Command>()
  let last: Derived | null = null
  for (const batch of batches) {
    // Through its saved form, as after a restart.
    last = derive(last && loadState(saveState(last.state)), decoded(batch), null)
    for (const { number, command } of last.commands) commands.set(number, command)
  }
  return { row: last!.state.row, commands: [...commands.values()], state: last!.state }
}
const linesOf = (commands: Command[]): string[] => commands.map(({ line }) => line)

test('the start gives the row, and frames are counted', (t) => {
  const session = recordedSession({
    connectionId: 'c'.repeat(32),
    target: 'db-1',
    sourceIp: '203.0.113.9',
    sourcePort: 52_022,
    env: { SSH_TTY: '/dev/pts/0' },
  })
  const { row } = run([
    session.first(shown('héllo'), typed('ls'), masked(8), frame(Stream.RESIZE, new Uint8Array([0, 50, 0, 132]))),
  ])
  t.like(row, { id: session.sessionId, user: 'alice', target: 'db-1', sourceIp: '203.0.113.9', sourcePort: 52_022 })
  t.like(row, { state: 'open', tty: '/dev/pts/0', rows: 24, cols: 80, outBytes: 6, inBytes: 10, endedAt: null })
  t.is(row.lastActivityAt, new Date(sessionAtMs + 40).toISOString())
})

const ends: [name: keyof typeof EndReason, expected: object][] = [
  ['EXIT', { state: 'complete', exitCode: 7, exitSignal: null, endDetail: null }],
  ['RECORDER_KILLED', { state: 'recorder_killed' }],
  ['TRUNCATED', { state: 'truncated' }],
  ['ABORTED', { state: 'complete' }],
]
for (const [name, expected] of ends) {
  test(`a session that ends with ${name} is ${JSON.stringify(expected)}`, (t) => {
    const session = recordedSession()
    const { row } = run([
      session.first(shown('x')),
      session.end(EndReason[name], name === 'EXIT' ? { exitCode: 7 } : {}),
    ])
    t.like(row, { ...expected, endedAt: new Date(sessionAtMs + 60_000).toISOString(), durationMs: 10 })
  })
}

test('a session ended by our order says so and is complete', (t) => {
  const session = recordedSession()
  const { row } = run([session.first(), session.end(EndReason.ABORTED, { signal: 'KILL', detail: 'ended by admin' })])
  t.like(row, { state: 'complete', exitCode: null, exitSignal: 'KILL', endDetail: 'ended by admin' })
})

test('a session with missing batches is truncated, and says which', (t) => {
  const session = recordedSession()
  const first = derive(null, decoded(session.first(...ran('id'))), null)
  session.next(shown('lost'))
  session.next(shown('lost'))
  const later = derive(first.state, decoded(session.next(...ran('ls'))), { from: 1, to: 2 })
  t.like(later.state.row, { state: 'open', endDetail: 'batches 1 to 2 never came' })
  const end = derive(later.state, decoded(session.end(EndReason.EXIT, { exitCode: 0 })), null)
  t.like(end.state.row, { state: 'truncated', exitCode: 0, endDetail: 'batches 1 to 2 never came' })
})

test('a gap the agent tells of truncates the session too', (t) => {
  const session = recordedSession()
  const gap = marker({ type: 'gap', reason: 'spool_full', detail: 'x', lostBytes: 4096 })
  const { row } = run([session.first(gap), session.end(EndReason.EXIT, { exitCode: 0 })])
  t.like(row, { state: 'truncated', endDetail: 'not recorded: spool_full, 4096 bytes' })
})

test('a session whose first batch never came is listed with what is known', (t) => {
  const session = recordedSession()
  session.first(shown('lost'))
  const { state } = derive(null, decoded(session.next(shown('x'))), { from: 0, to: 0 })
  t.like(state.row, { id: session.sessionId, user: 'unknown', bastion: 'bastion-1', endDetail: 'batch 0 never came' })
})

test('execs belong to the typed line before them: the first is its argv, the others are children', (t) => {
  const session = recordedSession()
  const { commands } = run([
    session.first(
      exec('id', '-u'),
      exec('dircolors', '-b'),
      ...ran('ls /etc | head -2', exec('head', '-2'), exec('ls', '/etc')),
    ),
    session.next(...ran('cd /tmp'), ...ran('make', exec('make'), exec('cc', 'a.c'), exec('cc', 'b.c'))),
  ])
  t.deepEqual(
    commands.map(({ line, argv, via, startup, children }) => [
      line,
      argv,
      via,
      startup,
      children.map((child) => child.argv.join(' ')),
    ]),
    [
      ['id -u', ['id', '-u'], 'exec', true, []],
      ['dircolors -b', ['dircolors', '-b'], 'exec', true, []],
      ['ls /etc | head -2', ['head', '-2'], 'typed', false, ['ls /etc']],
      ['cd /tmp', [], 'typed', false, []],
      ['make', ['make'], 'typed', false, ['cc a.c', 'cc b.c']],
    ],
  )
})

test('execs of a running command stay its own while the next line is typed ahead', (t) => {
  const session = recordedSession()
  const { commands } = run([
    session.first(
      ...ran('make', exec('make'), exec('cc', 'a.c')),
      typed('ls -l\r'),
      shown('ls -l\r\n'),
      exec('cc', 'b.c'),
    ),
    session.next(prompt, echo('ls -l'), exec('ls', '-l')),
  ])
  t.deepEqual(
    commands.map(({ line, argv, childCount }) => [line, argv[0], childCount]),
    [
      ['make', 'make', 2],
      ['ls -l', 'ls', 0],
    ],
  )
})

test('what a shell without a line editor runs belongs to the line that names it', (t) => {
  const session = recordedSession()
  const { commands } = run([
    session.first(...ran('dash', exec('dash')), shown('# '), typed('ls /\r'), shown('ls /\r\n'), exec('ls', '/')),
    session.next(shown('# '), typed('id\r'), shown('id\r\n'), exec('id')),
  ])
  t.deepEqual(
    commands.map(({ line, argv, childCount }) => [line, argv.join(' '), childCount]),
    [
      ['dash', 'dash', 0],
      ['ls /', 'ls /', 0],
      ['id', 'id', 0],
    ],
  )
})

test('lines pasted together get their own execs', (t) => {
  const session = recordedSession()
  const paste = 'cd /\nls a\nls b\nwhoami'
  const { commands } = run([
    session.first(
      prompt,
      typed(`\x1b[200~${paste}\x1b[201~`),
      shown(paste.replaceAll('\n', '\r\n')),
      typed('\r'),
      shown('\r\n\x1b[?2004l\r'),
    ),
    session.next(exec('ls', 'a'), exec('ls', 'b'), exec('whoami')),
  ])
  t.deepEqual(
    commands.map(({ line, argv }) => [line, argv.join(' ')]),
    [
      ['cd /', ''],
      ['ls a', 'ls a'],
      ['ls b', 'ls b'],
      ['whoami', 'whoami'],
    ],
  )
})

test('an exec that overtakes the echo of its line still belongs to it', (t) => {
  const session = recordedSession()
  const { commands } = run([
    session.first(
      ...ran('true'),
      prompt,
      typed('ll\r'),
      shown('ll'),
      exec('ls', '-l'),
      shown('\r\n\x1b[?2004l\r'),
      exec('sort'),
    ),
  ])
  t.deepEqual(
    commands.map(({ line, argv, childCount }) => [line, argv.join(' '), childCount]),
    [
      ['true', '', 0],
      ['ll', 'ls -l', 1],
    ],
  )
})

test('a password is no command, and what runs after one at a prompt is nobody else’s', (t) => {
  const session = recordedSession()
  const { commands } = run([
    session.first(
      ...ran('sudo -i', exec('sudo', '-i')),
      shown('Password: '),
      masked(7),
      typed('\r'),
      shown('\r\n'),
      exec('bash'),
    ),
    session.next(prompt, masked(9), typed('\r'), shown('\r\n\x1b[?2004l\r'), exec('mystery')),
  ])
  t.deepEqual(
    commands.map(({ line, via, childCount }) => [line, via, childCount]),
    [
      ['sudo -i', 'typed', 1],
      ['mystery', 'exec', 0],
    ],
  )
})

test('secrets in typed lines are masked', (t) => {
  const session = recordedSession()
  const { commands } = run([session.first(...ran('mysql -u root -pHunter2 db'))])
  t.false(JSON.stringify(commands).includes('Hunter2'))
  t.regex(commands[0]!.line, /^mysql -u root -p.*masked.* db$/)
})

test('without a terminal the session is a command itself, and so is each exec', (t) => {
  const session = recordedSession({ tty: '', argv: ['/bin/bash', '-c', 'ls | wc'], originalCommand: 'ls | wc' })
  const { commands } = run([session.first(exec('ls'), exec('wc')), session.end(EndReason.EXIT, { exitCode: 0 })])
  t.deepEqual(
    commands.map(({ line, via, startup }) => [line, via, startup]),
    [
      ['ls | wc', 'exec', false],
      ['ls', 'exec', false],
      ['wc', 'exec', false],
    ],
  )
})

test('a program started with a terminal is a command, a shell to type in is none', (t) => {
  t.deepEqual(linesOf(run([recordedSession({ argv: ['vim', 'a b'] }).first()]).commands), ["vim 'a b'"])
  t.deepEqual(linesOf(run([recordedSession({ argv: ['/bin/bash', '-l'] }).first()]).commands), [])
  t.deepEqual(linesOf(run([recordedSession({ argv: ['bash', '-lc', 'id'] }).first()]).commands), ['bash -lc id'])
})

test('more than 1,000 children are counted, not kept; the state stays small', (t) => {
  const session = recordedSession()
  const many = Array.from({ length: 2_000 }, (_, n) => exec('cc', `file${n}.c`))
  const { commands, state } = run([
    session.first(...ran('make', exec('make'))),
    session.next(...many),
    session.next(...many),
  ])
  const [make] = commands
  t.is(make!.childCount, 4_000)
  t.is(make!.children.length, 1_000)
  t.true(saveState(state).length < 64 * 1024)
  const noTty = recordedSession({ tty: '', argv: ['sh', '-c', 'x'] })
  const loop = run([noTty.first(...many)])
  t.is(loop.commands.length, 1_001)
  t.is(loop.commands.at(-1)!.childCount, 1_000)
})

test('a batch with a time that no calendar has is refused before anything changes', (t) => {
  const atMs = Date.UTC(9999, 11, 30)
  const session = recordedSession({ atMs: BigInt(atMs) })
  const { state } = derive(null, decoded(session.first(shown('x'))), null)
  const before = saveState(state)
  const late = { ...shown('y'), delayNs: 2n * 86_400_000_000_000n }
  t.throws(() => derive(state, decoded(session.next(typed('ls\r'), late)), null), { code: 'BTZ_BATCH_INVALID' })
  t.is(saveState(state), before)
  t.throws(() => derive(null, decoded(recordedSession({ atMs: 2n ** 62n }).first()), null), {
    code: 'BTZ_BATCH_INVALID',
  })
})
