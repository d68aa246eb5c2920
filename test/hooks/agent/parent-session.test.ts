import test from 'ava'
import { keepEnv } from '#hooks/agent/keep-env.ts'
import { type Lineage, parentOf } from '#hooks/agent/parent-session.ts'
import { openingOf } from './core.ts'

const connectionId = 'a'.repeat(32)
const open = (sessionId: string, sshTty: string | null, connection = connectionId): Lineage => ({
  sessionId,
  connectionId: connection,
  sshTty,
})
const login = (more: object) => openingOf({ connectionId, env: { SSH_TTY: '/dev/pts/1' }, tty: '/dev/pts/1', ...more })

test('a login shell has no parent, though the connection carries another session', (t) => {
  t.is(parentOf(login({}), [open('other', '/dev/pts/5')]), null)
})

test('sudo on another terminal than sshd made runs in the latest session of that terminal', (t) => {
  const nested = login({ tty: '/dev/pts/9', runAs: 'root' })
  const sessions = [open('shell', '/dev/pts/1'), open('other', '/dev/pts/5'), open('inner', '/dev/pts/1')]
  t.is(parentOf(nested, sessions), 'inner')
  t.is(parentOf(nested, [open('shell', '/dev/pts/1', 'b'.repeat(32))]), null)
})

test('without a terminal only one who becomes another user is nested, and only where it is clear in what', (t) => {
  const plain = { tty: null, env: {} }
  t.is(parentOf(login({ ...plain, runAs: 'alice' }), [open('one', null)]), null)
  t.is(parentOf(login({ ...plain, runAs: 'root' }), [open('one', null)]), 'one')
  t.is(parentOf(login({ ...plain, runAs: 'root' }), [open('one', null), open('two', null)]), null)
  t.is(parentOf(openingOf({ connectionId: null, runAs: 'root' }), [open('one', null)]), null)
})

test('of an environment only allowed names are kept, and no inherited property is one', (t) => {
  t.deepEqual(keepEnv({ LANG: 'C', SECRET: 'x' }, ['LANG', 'TERM', 'toString']), { LANG: 'C' })
  t.is(keepEnv({ LANG: 'y'.repeat(10_000) }, ['LANG']).LANG!.length, 4096)
})
