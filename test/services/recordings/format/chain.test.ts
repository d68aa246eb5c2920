import test from 'ava'
import { checkChain } from '#services/recordings/format/chain.ts'

const digest = (byte: number) => new Uint8Array(32).fill(byte)
const previous = { seq: 4, hash: digest(4) }

test('a batch follows only when number and predecessor fit', (t) => {
  const cases = [
    [{ seq: 5, prevHash: digest(4), hash: digest(5) }, 'ok'],
    [{ seq: 5, prevHash: digest(9), hash: digest(5) }, 'fork'],
    [{ seq: 6, prevHash: digest(5), hash: digest(6) }, 'gap'],
    [{ seq: 4, prevHash: digest(3), hash: digest(4) }, 'duplicate'],
    [{ seq: 4, prevHash: digest(3), hash: digest(9) }, 'fork'],
    [{ seq: 3, prevHash: digest(2), hash: digest(3) }, 'duplicate'],
  ] as const
  for (const [batch, expected] of cases) t.is(checkChain(previous, batch), expected)
})

test('a chain begins with batch 0, whatever its random bytes', (t) => {
  t.is(checkChain(null, { seq: 0, prevHash: digest(77), hash: digest(0) }), 'ok')
  t.is(checkChain(null, { seq: 1, prevHash: digest(0), hash: digest(1) }), 'gap')
})
