import test from 'ava'
import { passedSockets } from '#hooks/passed-sockets.ts'

const mine = { LISTEN_PID: '42' }

test('a socket of a service manager is taken only when it is meant for this process', (t) => {
  t.deepEqual(passedSockets({ ...mine, LISTEN_FDS: '1' }, 42), { sudo: 3 })
  for (const env of [
    {},
    mine,
    { LISTEN_FDS: '1' },
    { LISTEN_FDS: '1', LISTEN_PID: '43' },
    { ...mine, LISTEN_FDS: '0' },
    { ...mine, LISTEN_FDS: '2' }, // which is which?
    { ...mine, LISTEN_FDS: 'all' },
  ]) {
    t.deepEqual(passedSockets(env, 42), {})
  }
})

test('several sockets are told apart by their names, in whatever order they come', (t) => {
  const of = (names: string) =>
    passedSockets({ ...mine, LISTEN_FDS: String(names.split(':').length), LISTEN_FDNAMES: names }, 42)
  t.deepEqual(of('sudo:record'), { sudo: 3, record: 4 })
  t.deepEqual(of('record:other:sudo'), { record: 3, sudo: 5 })
  t.deepEqual(of('sudo'), { sudo: 3 })
  t.deepEqual(of('record'), { record: 3 })
  t.deepEqual(of('bartizan-agent.socket'), { sudo: 3 })
})

test('a name beyond the number of sockets counts for nothing', (t) => {
  t.deepEqual(passedSockets({ ...mine, LISTEN_FDS: '1', LISTEN_FDNAMES: 'record:sudo' }, 42), { record: 3 })
})
