import test from 'ava'
import { mayBeNested, type ParentCandidate, parentOf } from '#ingest/indexer/parent.ts'
import { at, epochMs, newId, sessionRow } from '#test/contract/catalog-place.ts'

const connectionId = 'c'.repeat(32)
const candidate = (seconds: number, more: Partial<ParentCandidate> = {}): ParentCandidate => ({
  id: newId(),
  bastion: 'bastion-1',
  parentId: null,
  tty: '/dev/pts/0',
  startedAt: at(seconds),
  endedAt: null,
  recorded: true,
  sudoAtMs: [],
  ...more,
})
const child = (seconds: number, tty: string | null, sshTty: string | null) => ({
  row: sessionRow(seconds, { connectionId, tty }),
  sshTty,
})

test('the login’s own session has no parent', (t) => {
  t.false(mayBeNested(child(0, '/dev/pts/0', '/dev/pts/0')))
  t.is(parentOf(child(0, '/dev/pts/0', '/dev/pts/0'), [candidate(-5)]), null)
})

test('a sudo on another terminal belongs to the login whose terminal it was given', (t) => {
  const [one, other] = [candidate(0), candidate(1, { tty: '/dev/pts/7' })]
  t.is(parentOf(child(9, '/dev/pts/1', '/dev/pts/0'), [one, other]), one.id)
  t.is(parentOf(child(9, '/dev/pts/8', '/dev/pts/7'), [one, other]), other.id)
  t.is(parentOf(child(9, '/dev/pts/8', '/dev/pts/9'), [one, other]), null)
})

test('a sudo in a sudo belongs to the inner one while that is open', (t) => {
  const login = candidate(0)
  const inner = candidate(5, { parentId: login.id, tty: '/dev/pts/1' })
  t.is(parentOf(child(9, '/dev/pts/2', '/dev/pts/0'), [login, inner]), inner.id)
  t.is(parentOf(child(9, '/dev/pts/2', '/dev/pts/0'), [login, { ...inner, endedAt: at(7) }]), login.id)
})

test('without a terminal a session belongs to the one that has just executed sudo', (t) => {
  const [one, other] = [candidate(0, { tty: null }), candidate(1, { tty: null, sudoAtMs: [epochMs + 8_900] })]
  t.is(parentOf(child(9, null, null), [one, other]), other.id)
  t.is(parentOf(child(9, null, null), [one]), null)
  t.is(parentOf(child(9, null, null), [{ ...other, endedAt: at(5) }]), null)
})

test('a second command of the connection is not taken for a sudo that opened another session', (t) => {
  const login = candidate(0, { tty: null, sudoAtMs: [epochMs + 3_000] })
  const nested = candidate(3, { tty: null, parentId: login.id, endedAt: at(4) })
  t.is(parentOf(child(60, null, null), [login, nested]), null)
})

test('a session that knows its parent, or belongs to no connection, is not asked about', (t) => {
  t.false(
    mayBeNested({ row: sessionRow(0, { connectionId, parentId: newId(), tty: '/dev/pts/1' }), sshTty: '/dev/pts/0' }),
  )
  t.false(mayBeNested({ row: sessionRow(0, { tty: '/dev/pts/1' }), sshTty: '/dev/pts/0' }))
})
