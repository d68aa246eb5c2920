import test from 'ava'
import { createEmulator, type Emulator, restoreEmulator } from '#services/terminal/emulator.ts'
import { createPlayerTerminal } from '#services/terminal/player-terminal.ts'
import { sameState } from '#services/terminal/terminal-state.ts'
import { seededRandom } from '#test/helpers/seeded-random.ts'

const sessions = Number(process.env.TEST_KEYFRAMES ?? 10)
const seed = Number(process.env.TEST_SEED ?? Math.floor(Math.random() * 1e9))

/** Sequences of every kind that the terminal knows, with parameters that fit and such that do not. */
const createOutput = (random: () => number) => {
  const int = (below: number) => Math.floor(random() * below)
  const of = (choices: readonly string[] | string): string => choices[int(choices.length)]!
  const parameter = () => of(['', '0', '1', String(int(40)), String(int(8)), '65535'])
  const kinds = [
    () =>
      of([
        'abc',
        'x',
        '好',
        'é',
        '😀',
        ' ',
        '\n',
        '\r\n',
        '\b',
        '\t',
        'lorem ipsum dolor sit amet ',
        '한국어한국어한국어',
      ]),
    () => `\x1b[${parameter()}${of('@ABCDEFGHIJKLMPSTWXZabdefg`')}`,
    () => `\x1b[${parameter()};${parameter()}${of('Hfr')}`,
    () => `\x1b[?${of(['1', '6', '7', '25', '1047', '1048', '1049'])}${of('hl')}`,
    () => `\x1b[${of(['4', '20'])}${of('hl')}`,
    () => `\x1b[${of(['1', '31', '44', '7', '0', '38;5;200', '48;2;1;2;3', '9', '3', '2'])}m`,
    () => `\x1b${of(['7', '8', 'D', 'E', 'H', 'M', 'c', '(0', '(B', ')0', ')B', '#8'])}`,
    () => of(['\x0e', '\x0f', '\x1b[!p', '\x1b[s', '\x1b[u', '\x1b]0;x\x07', '\x1bPq#0\x1b\\']),
    () => of(['\x1b', '\x1b[', '\x1b]', '\x18', '\x1b[?', '\x9b', '\x90', '\x1b[12;3', '\x1b[1:2', '\x1b(', '\x1bX']),
  ]
  return { int, next: () => kinds[int(kinds.length)]!() }
}

const wanders = (
  emulator: Emulator,
  { int, next }: ReturnType<typeof createOutput>,
  steps: number,
  visit: () => void,
) => {
  for (let step = 0; step < steps; step++) {
    if (int(25) === 0) emulator.resize(1 + int(40), 1 + int(15))
    else emulator.write(next())
    if (int(8) === 0) visit()
  }
}

test(`whatever was written, a keyframe is exact, and so is what follows (seed ${seed})`, (t) => {
  let [tried, inexact] = [0, 0]
  for (let session = 0; session < sessions; session++) {
    const output = createOutput(seededRandom(seed + session))
    const emulator = createEmulator({ cols: 1 + output.int(30), rows: 1 + output.int(12) })
    wanders(emulator, output, 120, () => {
      tried++
      const keyframe = emulator.exactKeyframe()
      if (keyframe === null) inexact++
      else if (emulator.hasOneSize()) followsAlike(t, emulator, keyframe, output.next() + output.next())
    })
  }
  // A cursor outside of its margins in origin mode is the one thing that no sequence restores.
  t.true(inexact <= tried / 200, `${inexact} of ${tried}`)
})

const followsAlike = (t: import('ava').ExecutionContext, emulator: Emulator, keyframe: string, next: string) => {
  const restored = createPlayerTerminal(emulator.size())
  if (keyframe !== '') restored.feed(keyframe)
  restored.feed(next)
  emulator.write(next)
  t.true(sameState(restored.memory.state(), emulator.memory.state()), JSON.stringify([keyframe, next]))
}

test(`a saved terminal goes on in everything, also where the screen under a program has another size (seed ${seed})`, (t) => {
  const output = createOutput(seededRandom(seed))
  const emulator = createEmulator({ cols: 30, rows: 8 })
  emulator.write(`${'words that wrap at the edge '.repeat(9)}\x1b[31m\x1b7\x1b[?1049hprogram\x1b[5;3H\x1b[1`)
  emulator.resize(21, 12)
  emulator.resize(37, 5)
  const restored = restoreEmulator(emulator.keyframeSteps())
  for (const text of ['0Cx\x1b[?1049lback', '\r\n', ...Array.from({ length: 50 }, output.next)]) {
    emulator.write(text)
    restored.write(text)
    t.deepEqual(restored.lines(), emulator.lines())
    t.deepEqual(restored.cursor(), emulator.cursor())
  }
})

test('what is off the screen comes back with a larger one, after a keyframe as well', (t) => {
  const emulator = createEmulator({ cols: 20, rows: 4 })
  for (let line = 0; line < 60; line++) emulator.write(`line ${line} is longer than the screen\r\n`)
  const restored = createEmulator({ cols: 20, rows: 4, init: emulator.exactKeyframe()! })
  for (const one of [emulator, restored]) one.resize(33, 40)
  t.deepEqual(restored.lines(), emulator.lines())
  t.is(restored.lines()[0], 'line 21 is longer than the screen')
})

test('a terminal that was made wider than any is, and one of a single cell, work', (t) => {
  for (const size of [
    { cols: 1, rows: 1 },
    { cols: 65_535, rows: 65_535 },
  ]) {
    const emulator = createEmulator(size)
    emulator.write('\x1b[?7l好好\x1b[?7h好\n\n\x1b[999;999Hend\x1b[65535b')
    t.is(emulator.exactKeyframe(), emulator.keyframe())
  }
})
