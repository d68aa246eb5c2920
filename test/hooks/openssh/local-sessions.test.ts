import { readFileSync } from 'node:fs'
import test from 'ava'
import { createSshdLog, type SshdEvent } from '#hooks/openssh/sshd-log.ts'
import { SessionEvent } from '#services/schema/session-event.ts'
import { seededRandom } from '#test/helpers/seeded-random.ts'

// Debian 12: sudo 1.9.13p3, su of util-linux 2.38, taken from /dev/log; sudo's rules: log_host for hlong, log_format=json for hjson.
const real = readFileSync(new URL('../../fixtures/auth-log/sudo-su.log', import.meta.url), 'utf8')
  .trimEnd()
  .split('\n')

const newLog = (snapshot?: Parameters<typeof createSshdLog>[0]['snapshot']) =>
  createSshdLog({ bastion: 'b1', zone: 'UTC', ...(snapshot && { snapshot }) })
const at = (seconds: number): string => new Date(Date.UTC(2026, 10, 22, 5) + seconds * 1_000).toISOString()
const line = (seconds: number, words: string): string => `${at(seconds)} jump1 ${words}`
const take = (lines: readonly string[], log = newLog()): SshdEvent[] => lines.flatMap((one) => log.take(one))
const told = (events: readonly SshdEvent[]) =>
  events.map(({ kind, user, protocol, ttyName, runAs }) => ({ kind, user, protocol, ttyName, runAs }))
const started = (user: string, protocol: string, ttyName: string | null, runAs: string | null) => ({
  kind: 'session_started',
  user,
  protocol,
  ttyName,
  runAs,
})
const ended = (user: string, protocol: string) => ({
  kind: 'session_ended',
  user,
  protocol,
  ttyName: undefined,
  runAs: undefined,
})
const starts = (events: readonly SshdEvent[]) => told(events).filter(({ kind }) => kind === 'session_started')

const sudo = (seconds: number, user: string, tty: string | null, runAs = 'root', command = '/usr/bin/id') =>
  line(seconds, `sudo:    ${user} : ${tty === null ? '' : `TTY=${tty} ; `}PWD=/ ; USER=${runAs} ; COMMAND=${command}`)
const sshIn = (seconds: number, user: string, port: number) => [
  line(seconds, `sshd[${port}]: Connection from 192.0.2.7 port ${port} on 192.0.2.1 port 22 rdomain ""`),
  line(seconds, `sshd[${port}]: Accepted publickey for ${user} from 192.0.2.7 port ${port} ssh2: ED25519 SHA256:abc`),
  line(seconds, `sshd[${port}]: Starting session: shell on pts/0 for ${user} from 192.0.2.7 port ${port} id 0`),
]

test('what sudo and su of Debian 12 write: one session per user and terminal, none without a terminal, none for -l and refusals', (t) => {
  const events = take(real)
  t.deepEqual(starts(events), [
    started('huser', 'sudo', 'pts/0', 'root'),
    started('hjson', 'sudo', 'pts/0', 'root'),
    started('hlong', 'sudo', 'pts/0', 'root'),
    started('root', 'su', 'pts/0', 'huser'),
  ])
  for (const event of events) t.notThrows(() => SessionEvent.parse(event), JSON.stringify(event))
  t.is(new Set(events.map(({ id }) => id)).size, events.length)
  const ids = new Set(events.map(({ connectionId }) => connectionId))
  t.is(ids.size, 4)
})

test('a parser that goes on from a snapshot after any line tells the same', (t) => {
  const whole = take(real)
  for (let cut = 0; cut <= real.length; cut++) {
    const first = newLog()
    const before = take(real.slice(0, cut), first)
    const second = newLog(JSON.parse(JSON.stringify(first.snapshot())))
    t.deepEqual([...before, ...take(real.slice(cut), second)], whole, `after line ${cut}`)
  }
})

test('a sudo of somebody who is there by ssh belongs to that session, whatever pseudo-terminal it is on', (t) => {
  const lines = [...sshIn(0, 'alice', 4001), sudo(1, 'alice', 'pts/0'), sudo(2, 'alice', 'pts/7', 'bob', '/bin/bash')]
  const log = newLog()
  t.deepEqual(starts(take(lines, log)).slice(1), [])
  t.deepEqual(take([sudo(3, 'bob', 'pts/8')], log), [], 'bob is there by the sudo of alice')
  t.deepEqual(
    starts(take([sudo(4, 'alice', 'tty1')], log)),
    [started('alice', 'sudo', 'tty1', 'root')],
    'no ssh leads to the console',
  )
  const gone = line(10, 'sshd[4001]: Disconnected from user alice 192.0.2.7 port 4001')
  const over = [
    gone,
    line(10, 'sshd[4001]: Transferred: sent 1, received 1 bytes'),
    line(10, 'sshd[4001]: Closing connection to 192.0.2.7 port 4001'),
  ]
  take(over, log)
  t.deepEqual(starts(take([sudo(20, 'alice', 'pts/7')], log)), [started('alice', 'sudo', 'pts/7', 'root')])
})

test('somebody at the console is one session, from login to logout, and what is started there is part of it', (t) => {
  const events = take([
    line(0, 'login[77]: pam_unix(login:session): session opened for user alice(uid=1000) by LOGIN(uid=0)'),
    line(0, 'login[78]: LOGIN ON tty1 BY alice'),
    sudo(5, 'alice', 'tty1'),
    line(6, 'su[90]: (to postgres) root on tty1'),
    line(7, 'su[90]: pam_unix(su:session): session closed for user postgres'),
    line(8, 'sudo: pam_unix(sudo:session): session closed for user root'),
    line(60, 'login[77]: pam_unix(login:session): session closed for user alice'),
  ])
  t.deepEqual(told(events), [started('alice', 'login', null, null), ended('alice', 'login')])
  t.is(events[0]!.connectionId, events[1]!.connectionId)
  t.is(events[1]!.durationMs, 60_000)
})

test('half an hour at one terminal is one session, the day after is another', (t) => {
  const events = take([0, 600, 1_200, 90_000].map((seconds) => sudo(seconds, 'alice', 'pts/3')))
  t.is(events.length, 2)
})

test('no folder and no argument of a command makes a sudo look like a list, a refusal or the sudo of somebody else', (t) => {
  const hostile = [
    ['PWD=/tmp/x ; USER=bob ; COMMAND=list ; USER=root ; COMMAND=/bin/sh', null],
    ['PWD=/ ; USER=root ; COMMAND=/bin/echo x ; USER=bob ; COMMAND=list', null],
    ['PWD=/a : command not allowed ; TTY=unknown ; USER=root ; COMMAND=/bin/sh', 'root'],
  ] as const
  for (const [rest, runAs] of hostile)
    t.deepEqual(
      starts(take([line(0, `sudo:    alice : TTY=pts/3 ; ${rest}`)])),
      [started('alice', 'sudo', 'pts/3', runAs)],
      rest,
    )
  const none = [
    'alice : command not allowed ; TTY=pts/3 ; PWD=/ ; USER=root ; COMMAND=/bin/sh',
    'alice : 3 incorrect password attempts ; TTY=pts/3 ; PWD=/ ; USER=root ; COMMAND=/bin/sh',
    'alice : user NOT in sudoers ; TTY=pts/3 ; PWD=/ ; USER=root ; COMMAND=/bin/sh',
    'alice : (command continued) TTY=pts/3 ; PWD=/ ; USER=root ; COMMAND=/bin/sh',
    'alice : TTY=pts/3 ; PWD=/ ; USER=root ; COMMAND=list',
    'alice : TTY=pts/3 ; PWD=/ ; USER=root ; COMMAND=validate',
    'alice : TTY=unknown ; PWD=/ ; USER=root ; COMMAND=/bin/sh',
    'alice : PWD=/ ; USER=root ; COMMAND=/bin/sh',
  ]
  t.deepEqual(take(none.map((words) => line(0, `sudo:    ${words}`))), [])
  const others = [
    'su[1]: FAILED SU (to root) alice on pts/3',
    'su[1]: (to root) cron on none',
    'CRON[3]: pam_unix(cron:session): session opened for user root(uid=0) by (uid=0)',
  ]
  t.deepEqual(take(others.map((words) => line(0, words))), [])
})

test('in the journal only the files of the system are sudo, su and login', (t) => {
  const entry = (more: Record<string, string>): string =>
    JSON.stringify({
      __REALTIME_TIMESTAMP: '1795325163000000',
      _HOSTNAME: 'jump1',
      SYSLOG_IDENTIFIER: 'sudo',
      _COMM: 'sudo',
      _UID: '1000',
      MESSAGE: '   alice : TTY=pts/3 ; PWD=/ ; USER=root ; COMMAND=/bin/sh',
      ...more,
    })
  t.is(take([entry({ _EXE: '/usr/bin/sudo' })]).length, 1)
  t.is(take([entry({ _EXE: '/home/mallory/bin/sudo' })]).length, 0)
  t.is(take([entry({})]).length, 0)
})

const lineCount = Number(process.env.TEST_LOCAL_LINES ?? 5_000)

test(`${lineCount} mutated lines of sudo, su and login: nothing throws, every event is a valid one, memory is bounded (TEST_LOCAL_LINES=100000 for many)`, (t) => {
  const seed = Number(process.env.TEST_SEED ?? Math.floor(Math.random() * 2 ** 31))
  t.log(`TEST_SEED=${seed}`)
  const random = seededRandom(seed)
  const below = (count: number): number => Math.floor(random() * count)
  const pieces = [
    ' ; ',
    'TTY=',
    'COMMAND=/',
    'USER=',
    ' : ',
    ') ',
    ' on ',
    '(to ',
    '{',
    '"',
    '\0',
    '\ud800',
    'pts/',
    '#012',
    '\\',
    ' (command continued) ',
  ]
  const log = newLog()
  let events = 0
  for (let n = 0; n < lineCount; n++) {
    const from = real[below(real.length)]!
    const [cut, other] = [24 + below(from.length), real[below(real.length)]!]
    const kinds = [
      from.replaceAll(/\b(huser|hjson|hlong|root)\b/g, (name) => (below(2) ? name : `u${below(5_000)}`)),
      from.replace(/pts\/0/, `pts/${below(3_000)}`),
      from.slice(0, cut) + pieces[below(pieces.length)]!.repeat(1 + below(40)) + from.slice(cut),
      from.slice(0, cut) + other.slice(below(other.length)),
    ]
    for (const event of log.take(kinds[below(kinds.length)]!)) {
      events += 1
      const read = SessionEvent.safeParse(event)
      if (!read.success) t.fail(`${read.error.message}: ${JSON.stringify(event)}`)
    }
  }
  t.true(events > lineCount / 20, `${events} events`)
  const { locals, stays } = log.snapshot()
  t.true(locals.length <= 1_024 && stays.length <= 1_024)
})
