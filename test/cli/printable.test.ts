import test from 'ava'
import { reportRecordings } from '../../cli/import.ts'
import { printable } from '../../cli/printable.ts'

test('the names of imported files, and why they were not taken, steer no terminal', (t) => {
  const file = 'a\u001b]0;owned\u0007\n\u202e.ttyrec'
  const text = reportRecordings({
    ...{ files: 2, sessions: 1, unchanged: 0, events: {}, rejectedMore: 0 },
    incomplete: [{ file, reason: 'cut\r' }],
    rejected: [{ file, line: 0, reason: 'none\u009b2J' }],
  })
  t.deepEqual(text.split('\n').slice(1), [
    '1 incomplete, such as',
    '  a\\u001b]0;owned\\u0007\\u000a\\u202e.ttyrec: cut\\u000d',
    '1 not taken, such as',
    '  a\\u001b]0;owned\\u0007\\u000a\\u202e.ttyrec: none\\u009b2J',
    '',
  ])
})

test('what can be printed stays as it is', (t) => {
  for (const text of ['/home/jos\u00e9/\u4e16\u754c \ud83d\ude00.cast', 'a b', '']) t.is(printable(text), text)
})
