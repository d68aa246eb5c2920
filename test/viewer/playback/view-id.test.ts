import { randomBytes } from 'node:crypto'
import test from 'ava'
import { isViewOpen, type OpenedView, viewIdOf } from '#viewer/playback/view-id.ts'

const key = randomBytes(32)
const view: OpenedView = { sessionId: 's-1', principalId: 'p-1', reason: 'ticket 7', pin: '12.3' }
const id = viewIdOf(key, view, 2_000)

test('an opening is known until it ends', (t) => {
  t.true(isViewOpen(id, key, view, 1_999))
  t.false(isViewOpen(id, key, view, 2_000))
})

test('it is that of one session, person, reason and pin, under that session key', (t) => {
  for (const other of [{ sessionId: 's-2' }, { principalId: 'p-2' }, { reason: undefined }, { pin: '12.4' }])
    t.false(isViewOpen(id, key, { ...view, ...other }, 1_000), JSON.stringify(other))
  t.false(isViewOpen(id, randomBytes(32), view, 1_000))
})

test('what was altered in any place is none', (t) => {
  for (let at = 0; at < id.length; at++) {
    const other = id[at] === 'A' ? 'B' : 'A'
    t.false(isViewOpen(id.slice(0, at) + other + id.slice(at + 1), key, view, 1_000), `place ${at}`)
  }
  for (const wrong of ['', '.', `${id}A`, 'zzzzzzzzzzz.', `.${id.split('.')[1]}`])
    t.false(isViewOpen(wrong, key, view, 0))
})
