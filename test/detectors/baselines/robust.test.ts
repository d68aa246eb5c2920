import test from 'ava'
import fc from 'fast-check'
import { ewma, mad, median, robustScore, withSample } from '#detectors/baselines/robust.ts'

const numbers = fc.array(fc.double({ min: -1e9, max: 1e9, noNaN: true }), { minLength: 1, maxLength: 60 })

test('half of the samples are at or below the median and half at or above, and it does not disturb them', (t) => {
  fc.assert(
    fc.property(numbers, (samples) => {
      const before = [...samples]
      const middle = median(samples)
      t.deepEqual(samples, before)
      return (
        samples.filter((one) => one <= middle).length * 2 >= samples.length &&
        samples.filter((one) => one >= middle).length * 2 >= samples.length
      )
    }),
  )
})

test('one wild value among many changes neither median nor deviation much', (t) => {
  const samples = Array.from({ length: 21 }, (_, n) => 100 + n)
  t.is(median([...samples.slice(1), 1e12]), 111)
  t.true(Math.abs(mad([...samples.slice(1), 1e12]) - mad(samples)) <= 1)
})

test('the score of a regular user is bounded by the floor', (t) => {
  t.is(robustScore([5, 5, 5, 5], 7, 2), 0.6745)
  t.is(robustScore([5, 5, 5, 5], 5, 2), 0)
  t.true(robustScore([5, 6, 7, 8, 9], 30, 0.1) > 5)
})

test('samples are bounded, oldest first out, and the earlier state stays as it was', (t) => {
  const before = [1, 2, 3]
  t.deepEqual(withSample(before, 4, 3), [2, 3, 4])
  t.deepEqual(before, [1, 2, 3])
  t.is(ewma(null, 4, 0.1), 4)
  t.is(ewma(10, 0, 0.1), 9)
  t.is(median([]), 0)
})
