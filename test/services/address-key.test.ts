import test from 'ava'
import fc from 'fast-check'
import { addressKey, addressRange } from '#services/address-key.ts'

const holds = (network: string, address: string): boolean => {
  const [range, key] = [addressRange(network)!, addressKey(address)!]
  return range.from <= key && key <= range.to
}

test('an address has one key, however it is written', (t) => {
  t.is(addressKey('192.0.2.1'), addressKey('::ffff:192.0.2.1'))
  t.is(addressKey('2001:DB8::1'), addressKey('2001:db8:0:0:0:0:0:1'))
  t.is(addressKey('192.0.2.1')?.length, 32)
})

test('a network holds its addresses and no others', (t) => {
  t.true(holds('10.1.2.0/24', '10.1.2.0') && holds('10.1.2.77/24', '10.1.2.255'))
  t.false(holds('10.1.2.0/24', '10.1.3.0') || holds('10.1.2.0/24', '10.1.1.255'))
  t.true(holds('10.1.2.8/29', '10.1.2.15'))
  t.false(holds('10.1.2.8/29', '10.1.2.16') || holds('10.1.2.8/29', '10.1.2.7'))
  t.true(holds('2001:db8::/33', '2001:db8:7fff::1'))
  t.false(holds('2001:db8::/33', '2001:db8:8000::1'))
  t.true(holds('0.0.0.0/0', '255.255.255.255'))
  t.false(holds('0.0.0.0/0', '2001:db8::1'))
  t.true(holds('192.0.2.7', '192.0.2.7') && !holds('192.0.2.7', '192.0.2.8'))
})

test('keys order like addresses', (t) => {
  const property = fc.property(fc.ipV4(), fc.ipV4(), (a, b) => {
    const number = (ip: string) => ip.split('.').reduce((sum, part) => sum * 256 + Number(part), 0)
    return number(a) < number(b) === addressKey(a)! < addressKey(b)!
  })
  t.notThrows(() => fc.assert(property, { seed: 7 }))
})

test('what is no address or network has neither key nor range', (t) => {
  for (const text of [
    '',
    'unknown',
    '10.1',
    '0x0a.1.1.1',
    '10.1.2.3/33',
    '10.1.2.3/-1',
    '/8',
    '10.1.2.3/',
    '10.1/16',
    '::/129',
  ])
    t.is(addressRange(text), null, text)
  t.is(addressKey('010.1.2.3x'), null)
})
