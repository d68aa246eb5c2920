import test from 'ava'
import fc from 'fast-check'
import type { BusRecord, NewRecord } from '#services/bus/bus.ts'
import { createGroups } from '#services/origin/groups.ts'
import { readSeal, sealRecords } from '#services/origin/seal.ts'
import { delivered, newSigner, sealedBy } from '#test/helpers/origins.ts'

const signer = newSigner('agent', 'bastion-1')
const frames = (value: Uint8Array | string, key = 'session-1'): NewRecord => ({
  topic: 'session-frames',
  key,
  value: Buffer.from(value),
  headers: { batchSeq: '7' },
})
const holds = (record: BusRecord, bastion = 'bastion-1'): boolean => {
  const seal = readSeal(record)
  return seal !== null && createGroups()(record, seal, bastion) !== null
}
const flipped = (bytes: Uint8Array, at: number, bit: number): Buffer => {
  const copy = Buffer.from(bytes)
  copy[at % copy.length]! ^= 1 << bit
  return copy
}

test('records of groups of every size prove who wrote them, and keep their other headers', (t) => {
  for (const count of [1, 2, 3, 127, 128, 129, 300]) {
    const records = Array.from({ length: count }, (_, n) => frames(`value ${n}`))
    const sealed = sealedBy(signer, ...records)
    t.true(
      sealed.every((record) => holds(record)),
      `${count} records`,
    )
    t.true(sealed.every(({ headers }) => headers.batchSeq === '7'))
    const longest = Math.max(...sealed.map(({ headers }) => JSON.stringify(headers).length))
    t.true(longest <= 570 + JSON.stringify({ batchSeq: '7' }).length, `${longest} bytes of headers`)
    t.is(new Set(sealed.map(({ headers }) => headers.originSignature)).size, Math.ceil(count / 128))
  }
})

test('any other bit of value, key, topic, bastion, kind, header, signing key, signature or path is noticed', (t) => {
  const bytes = fc.uint8Array({ minLength: 1, maxLength: 200 })
  const place = fc.record({ at: fc.nat(1000), bit: fc.nat(7), which: fc.nat(6) })
  t.notThrows(() =>
    fc.assert(
      fc.property(fc.array(bytes, { minLength: 2, maxLength: 40 }), place, (values, { at, bit, which }) => {
        const record = sealedBy(signer, ...values.map((value) => frames(value)))[which % values.length]!
        const withHeader = (name: string, value: string): BusRecord => ({
          ...record,
          headers: { ...record.headers, [name]: value },
        })
        const withFlipped = (name: string): BusRecord =>
          withHeader(name, flipped(Buffer.from(record.headers[name]!, 'base64url'), at, bit).toString('base64url'))
        const path =
          record.headers.originPath === '' ? withHeader('originPath', 'A'.repeat(44)) : withFlipped('originPath')
        const changed: Record<string, BusRecord> = {
          value: { ...record, value: flipped(record.value, at, bit) },
          longer: { ...record, value: Buffer.concat([record.value, Buffer.from([bit])]) },
          key: { ...record, key: `${record.key}${at}` },
          topic: { ...record, topic: 'session-events' },
          kind: withHeader('originKind', 'role'),
          'another header': withHeader('batchSeq', '8'),
          'a header more': withHeader('more', ''),
          'signing key': withFlipped('originKey'),
          signature: withFlipped('originSignature'),
          path,
        }
        for (const [what, other] of Object.entries(changed)) if (holds(other)) throw new Error(`not noticed: ${what}`)
        if (!holds(record)) throw new Error('what was not changed was refused')
        if (holds(record, 'bastion-2')) throw new Error('not noticed: bastion')
      }),
      { numRuns: 60 },
    ),
  )
})

test('headers that are no seal are read as none, whatever is in them', (t) => {
  const [whole] = sealedBy(signer, frames('x'), frames('y'))
  const names = ['originKind', 'originKey', 'originPath', 'originSignature']
  fc.assert(
    fc.property(fc.constantFrom(...names), fc.string({ maxLength: 600 }), (name, text) => {
      const record = { ...whole!, headers: { ...whole!.headers, [name]: text } }
      return text === whole!.headers[name] || !holds(record)
    }),
    { numRuns: 300 },
  )
  for (const name of names) {
    const { [name]: _, ...headers } = whole!.headers
    t.is(readSeal({ ...whole!, headers }), null)
  }
  t.is(readSeal({ ...whole!, headers: { ...whole!.headers, originPath: 'A'.repeat(10_000) } }), null)
  t.is(readSeal(delivered(frames('x'))), null)
})

test('the hash of two leaves cannot be taken for a leaf, nor a group for another', (t) => {
  const [a, b, c] = sealRecords([frames('a'), frames('b'), frames('c')], signer).map((record) => delivered(record))
  const other = sealedBy(signer, frames('d'), frames('e'))[0]!
  const mixed = (record: BusRecord, name: string, from: BusRecord): BusRecord => ({
    ...record,
    headers: { ...record.headers, [name]: from.headers[name]! },
  })
  t.false(holds(mixed(a!, 'originPath', b!)))
  t.false(holds(mixed(a!, 'originPath', c!)))
  t.false(holds(mixed(a!, 'originSignature', other)))
})

test('a role speaks for any bastion, an agent does not become one by saying so', (t) => {
  const [byRole] = sealedBy(newSigner('role'), frames('x'))
  t.true(holds(byRole!, 'bastion-1'))
  t.true(holds(byRole!, 'bastion-2'))
  const [byAgent] = sealedBy(signer, frames('x'))
  t.false(holds({ ...byAgent!, headers: { ...byAgent!.headers, originKind: 'role' } }))
})

test('what is known of a group lets no other record in, in whatever order its records come', (t) => {
  const values = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 20 }), { minLength: 2, maxLength: 128 })
  t.notThrows(() =>
    fc.assert(
      fc.property(values, fc.infiniteStream(fc.nat(1000)), (all, random) => {
        const sealed = sealedBy(signer, ...all.map((value) => frames(value)))
        const order = sealed.map((record) => ({ record, at: random.next().value as number }))
        const signedBy = createGroups()
        for (const { record } of order.sort((a, b) => a.at - b.at)) {
          const forged = { ...record, value: Buffer.concat([record.value, Buffer.from('+')]) }
          if (signedBy(forged, readSeal(forged)!, 'bastion-1') !== null) throw new Error('a forged one was let in')
          if (signedBy(record, readSeal(record)!, 'bastion-2') !== null) throw new Error('another bastion was let in')
          if (signedBy(record, readSeal(record)!, 'bastion-1') !== signer.keyId)
            throw new Error('a true one was refused')
        }
      }),
      { numRuns: 60 },
    ),
  )
})
