import test from 'ava'
import { createAlternateScreen } from '#hooks/agent/masking/alternate-screen.ts'

const after = (...outputs: string[]): boolean => {
  const screen = createAlternateScreen()
  for (const output of outputs) screen.see(Buffer.from(output, 'latin1'))
  return screen.active
}

test('the alternate screen is followed in and out, by each of its sequences', (t) => {
  for (const name of ['1049', '1047', '47']) {
    t.true(after(`x\u001b[?25l\u001b[?${name}h\u001b[2J`))
    t.false(after(`\u001b[?${name}h`, `text\u001b[?${name}l\u001b[?25h`))
  }
  t.true(after('\u001b[?1049l\u001b[?47h'))
  t.true(after('\u001b[?1049;2004h'))
  t.false(after('?1049h', '\u001b[1049h', '\u001b[?1048h', '\u001b[?2004h'))
})

test('a sequence cut anywhere by the border of a frame is seen', (t) => {
  const sequence = 'vim\u001b[?1049h'
  for (let at = 0; at <= sequence.length; at++) {
    t.true(after(sequence.slice(0, at), sequence.slice(at)), `cut at ${at}`)
    t.true(after(...sequence), 'one byte per frame')
  }
})

test('a sequence that never ends is not kept', (t) => {
  t.false(after(`\u001b[?${'1;'.repeat(5000)}`, '1049h'))
  t.true(after(`\u001b[?${'1;'.repeat(5000)}`, '\u001b[?1049h'))
})
