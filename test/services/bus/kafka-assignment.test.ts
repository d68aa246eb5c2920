import test from 'ava'
import fc from 'fast-check'
import { topics } from '#services/bus/bus.ts'
import { assignGroup, decodeAssignment, encodeSubscription } from '#services/bus/kafka-assignment.ts'

const subset = fc.uniqueArray(fc.constantFrom(...topics), { minLength: 1 })
const members = fc.uniqueArray(fc.record({ memberId: fc.uuid(), subscribed: subset }), {
  minLength: 1,
  maxLength: 8,
  selector: ({ memberId }) => memberId,
})

test('every partition that somebody asked for goes to exactly one who did, evenly, whoever leads', (t) => {
  fc.assert(
    fc.property(members, fc.integer({ min: 1, max: 48 }), (all, count) => {
      const partitionCount = () => count
      const joined = all.map(({ memberId, subscribed }) => ({
        memberId,
        memberMetadata: encodeSubscription(subscribed),
      }))
      const given = new Map(
        assignGroup(joined, partitionCount).map(({ memberId, memberAssignment }) => [memberId, memberAssignment]),
      )
      t.deepEqual(
        new Map(assignGroup(joined.toReversed(), partitionCount).map((one) => [one.memberId, one.memberAssignment])),
        given,
      )
      const held = all.flatMap(({ memberId, subscribed }) =>
        decodeAssignment(given.get(memberId)!, subscribed, partitionCount).map((at) => `${at.topic}/${at.partition}`),
      )
      const asked = new Set(all.flatMap(({ subscribed }) => subscribed))
      t.is(held.length, asked.size * count)
      t.is(new Set(held).size, held.length)
    }),
    { numRuns: 200 },
  )
})

test('what a leader gives beyond what was asked for, or beyond what there is, is not taken', (t) => {
  const joined = [{ memberId: 'a', memberMetadata: encodeSubscription(['alerts', 'session-events']) }]
  const [given] = assignGroup(joined, () => 8)
  const taken = decodeAssignment(given!.memberAssignment, ['alerts'], () => 2)
  t.deepEqual(taken, [
    { topic: 'alerts', partition: 0 },
    { topic: 'alerts', partition: 1 },
  ])
})
