import test from 'ava'
import { createTurns } from '#viewer/playback/export-turns.ts'

test('so many at once, in all and of one, each refused with the reason; what is done makes room', (t) => {
  const turns = createTurns('exports', { inAll: 3, ofOne: 2 })
  const [first] = [turns.take('bob'), turns.take('bob')]
  t.throws(() => turns.take('bob'), {
    code: 'BTZ_TOO_MANY_REQUESTS',
    message: 'exports under way: 2 of bob, as many as one may have',
  })
  const eve = turns.take('eve')
  t.throws(() => turns.take('kim'), {
    code: 'BTZ_TOO_MANY_REQUESTS',
    message: 'exports under way: 3, as many as are made here at once',
  })
  first()
  first()
  turns.take('kim')
  t.throws(() => turns.take('lea'), { code: 'BTZ_TOO_MANY_REQUESTS' }, 'given back twice is once')
  eve()
  turns.take('bob')
  t.throws(() => turns.take('bob'), { message: 'exports under way: 2 of bob, as many as one may have' })
})
