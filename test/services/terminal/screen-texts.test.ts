import test from 'ava'
import { Stream } from '#services/recordings/format/frame-batch.ts'
import { createSegmenter } from '#services/terminal/segmenter.ts'
import type { TimedFrame } from '#services/terminal/terminal-events.ts'
import { captureFrames } from '#test/helpers/captures.ts'

type Step = readonly [atMs: number, data: string]

const frameOf = ([atMs, data]: Step): TimedFrame => ({
  atNs: BigInt(atMs) * 1_000_000n,
  delayNs: 0n,
  stream: Stream.TTYOUT,
  data: Buffer.from(data),
})

/** What is told of the frames, and of the silence after them. */
const textsOf = (frames: readonly TimedFrame[], { settles = true } = {}) => {
  const segmenter = createSegmenter({ size: { cols: 40, rows: 10 }, state: null })
  frames.forEach((frame, at) => {
    segmenter.take(frame, { batchSeq: 0, frame: at })
    const nextNs = frames[at + 1]?.atNs
    if (settles && nextNs !== undefined) segmenter.settle(Number(nextNs / 1000n))
  })
  segmenter.settle(Number.MAX_SAFE_INTEGER)
  return segmenter.drain().texts
}
const told = (...steps: Step[]) => textsOf(steps.map(frameOf)).map(({ atMs, text }) => [atMs, text])

test('a line is told when the cursor leaves it, as the eye reads it', (t) => {
  t.deepEqual(
    told(
      [0, '$ '],
      [100, 'cat /etc/pas\x08\x08\x08shadow'],
      [200, '\r\n\x1b[1mroot\x1b[0m:\x1b[31m$6$\x1b[maB\r\n'],
      [300, 'pass\x1b[4mword\x1b[24m\r\n'],
    ),
    [
      [200, '$ cat /etc/shadow\nroot:$6$aB'],
      [300, 'password'],
    ],
  )
})

test('a line that wraps is one line', (t) => {
  const line = 'a line of very many words that is longer than the terminal is wide, twice over, and goes on'
  t.deepEqual(told([0, `${line}\r\n`]), [[0, line]])
})

test('a line without an end is told in parts, all of it', (t) => {
  const words = Array.from({ length: 4000 }, (_, i) => `w${i}`).join(' ')
  const steps = Array.from({ length: 200 }, (_, i): Step => [i, words.slice(i * 150, (i + 1) * 150)])
  const text = told(...steps, [300, '\r\n'])
    .map((one) => one[1])
    .join('')
  t.is(text.replace(/\s/g, ''), words.replace(/\s/g, ''))
})

test('what is drawn without line feeds is told once it has stood for a second, and not again while it stands', (t) => {
  t.deepEqual(
    told([0, '10%'], [300, '\r20%'], [600, '\r30%'], [3000, '\r40%'], [9000, '\x1b[H'], [12_000, ' '], [15_000, '\r4']),
    [
      [600, '30%'],
      [3000, '40%'],
      [12_000, ' 0%'],
      [15_000, '40%'],
    ],
  )
})

test('a full-screen program is read once a second, only what changed, and before it is left', (t) => {
  const screen = (n: number) => `\x1b[H\x1b[2Jfixed line\r\ncount ${n}`
  const steps = Array.from({ length: 30 }, (_, i): Step => [i * 100, i === 0 ? `\x1b[?1049h${screen(0)}` : screen(i)])
  t.deepEqual(told(...steps, [2950, 'last words\x1b[?1049l']), [
    [900, 'fixed line\ncount 9'],
    [1900, 'count 19'],
    [2950, 'count 29last words'],
  ])
})

test('when it is looked at makes no difference to what is told', (t) => {
  for (const name of ['bash', 'vim', 'top'] as const) {
    const frames = captureFrames(name)
    t.deepEqual(textsOf(frames), textsOf(frames, { settles: false }))
  }
})

test('words on the screen of vim, less, top and tmux are told', (t) => {
  const wordsOf = (name: 'vim' | 'less' | 'top' | 'tmux' | 'htop') =>
    textsOf(captureFrames(name))
      .map(({ text }) => text)
      .join('\n')
  t.regex(wordsOf('vim'), /hello 好世界 wörld/)
  t.regex(wordsOf('less'), /export const/)
  t.regex(wordsOf('top'), /load average/)
  t.regex(wordsOf('htop'), /Load average/)
  t.regex(wordsOf('tmux'), /你好世界/)
})

test('a flood is told up to a limit, and how much of it was not is told, too', (t) => {
  const lines = Array.from({ length: 45_000 }, (_, i) => `line ${i}\r\n`)
  const steps = Array.from({ length: 45 }, (_, i): Step => [i, lines.slice(i * 1000, (i + 1) * 1000).join('')])
  const texts = told(...steps, [70_000, 'later\r\n']).map((one) => String(one[1]))
  t.true(texts.some((text) => text.includes('line 39000')))
  t.regex(texts.at(-1)!, /^\[5000 lines of the minute before are not searched: .*\nlater$/)
})
