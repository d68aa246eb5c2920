import test from 'ava'
import { TlogMessage } from '#hooks/tlog/message.ts'
import { createMessageOrder, type Ordered, type Part } from '#hooks/tlog/message-order.ts'
import { seededRandom } from '#test/helpers/seeded-random.ts'
import { messageOf } from './messages.ts'

const part = (id: number): Part => ({ message: TlogMessage.parse(messageOf([], { id })), pieces: [] })
const said = (ordered: readonly Ordered[] | null) => ordered?.map(({ message, missing }) => [message.id, missing])

test('messages come out by their ids, whatever the order they came in', (t) => {
  const order = createMessageOrder(1)
  t.deepEqual(said(order.take(part(2), 0)), [])
  t.true(order.waits)
  t.deepEqual(said(order.take(part(3), 0)), [])
  t.deepEqual(said(order.take(part(1), 0)), [
    [1, 0],
    [2, 0],
    [3, 0],
  ])
  t.false(order.waits)
})

test('what is there already is known, waiting or not', (t) => {
  const order = createMessageOrder(1)
  order.take(part(1), 0)
  order.take(part(3), 0)
  t.is(order.take(part(1), 0), null)
  t.is(order.take(part(3), 0), null)
})

test('a missing message is waited for 10 s, then it is a gap', (t) => {
  const order = createMessageOrder(1)
  order.take(part(1), 0)
  order.take(part(4), 1000)
  order.take(part(6), 9000)
  t.deepEqual(said(order.overdue(10_999)), [])
  t.deepEqual(said(order.overdue(11_000)), [[4, 2]])
  t.deepEqual(said(order.overdue(20_999)), [])
  t.deepEqual(said(order.overdue(21_000)), [[6, 1]])
})

test('no more than 64 messages wait, and ids of any size cost nothing', (t) => {
  const order = createMessageOrder(1)
  for (let n = 0; n < 64; n++) t.deepEqual(said(order.take(part(Number.MAX_SAFE_INTEGER - 2 * n), 0)), [])
  t.is(said(order.take(part(Number.MAX_SAFE_INTEGER - 200), 0))?.length, 1)
})

test('shuffled within the limit, nothing is missing; what is left out is counted once', (t) => {
  const random = seededRandom(7)
  const lost = new Set([5, 6, 40])
  const ids = Array.from({ length: 60 }, (_, index) => index + 1).filter((id) => !lost.has(id))
  const shuffled = ids.map((id) => ({ id, at: random() })).sort((a, b) => a.at - b.at)
  const order = createMessageOrder(1)
  const out = [...shuffled.flatMap(({ id }) => order.take(part(id), 0) ?? []), ...order.rest(0)]
  t.deepEqual(
    out.map(({ message }) => message.id),
    ids,
  )
  t.is(
    out.reduce((sum, { missing }) => sum + missing, 0),
    lost.size,
  )
})
