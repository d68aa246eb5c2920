import test from 'ava'
import { createSyslogFrames, type Frame, frameOf } from '#hooks/openssh/syslog-frames.ts'
import { createMutations, fuzzSeed } from '#test/helpers/mutated-bytes.ts'

const inputs = 100_000
const message = '<38>1 2026-06-01T00:00:00Z b1 sshd 1 - - Connection from 192.0.2.1 port 22 on 192.0.2.2 port 22'
const corpus = [
  `${message.length} ${message}${message.length} ${message}`,
  `<38>Jun  1 00:00:00 b1 sshd[1]: one\n<38>Jun  1 00:00:01 b1 sshd[1]: two\n`,
  `${message}\n${message.length} ${message}`,
  `3 <1>12 <38>\r\n\0\r\n`,
].map((text) => Buffer.from(text))
const pieces = ['9999999 <', '0 <', '00000000 <', '-1 <', '1e3 <', ' ', '<', '\n', '\r\n', '\0', '\xff\xfe', '70000 <']

const framesOf = (chunks: readonly Buffer[]): Frame[] => {
  const frames = createSyslogFrames()
  const found = chunks.flatMap((chunk) => frames.push(chunk))
  const rest = frames.rest()
  return rest === null ? found : [...found, rest]
}

test(`${inputs} mutated streams of syslog: nothing throws, frames are lines, and pieces do not matter`, (t) => {
  const seed = fuzzSeed(t.log)
  const { input, chunksOf } = createMutations(corpus, pieces, seed)
  let found = 0
  for (let n = 0; n < inputs; n++) {
    const bytes = input()
    const whole = framesOf([bytes])
    found += whole.length
    const isSame = JSON.stringify(whole) === JSON.stringify(framesOf(chunksOf(bytes)))
    // U+FFFD, which stands for a byte that is none, is three.
    const sizeBytes = whole.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0)
    if (!isSame || sizeBytes > 3 * bytes.length || whole.some(({ text }) => text.includes('\n')))
      return t.fail(`seed ${seed}, input ${n}: ${bytes.toString('base64')}`)
  }
  t.true(found > inputs)
})

test('a frame that counts ten megabytes is cut at 64 KiB, the rest counted, and the next one is read', (t) => {
  const frames = createSyslogFrames()
  const piece = Buffer.alloc(1_000_000 - 10, 'x')
  const found = [Buffer.from('9999999 <38>'), ...Array.from({ length: 10 }, () => piece), Buffer.alloc(95, 'x')]
    .concat(Buffer.from('5 <38>y'))
    .flatMap((chunk) => frames.push(chunk))
  t.deepEqual(
    found.map(({ text, cutBytes }) => [text.length, cutBytes]),
    [
      [65_536, 9_999_999 - 65_536],
      [5, 0],
    ],
  )
})

test('a datagram of nothing but ends is an empty line', (t) => {
  t.deepEqual(frameOf(Buffer.from('\r\n\0\n')), { text: '', cutBytes: 0 })
  t.deepEqual(frameOf(Buffer.alloc(0)), { text: '', cutBytes: 0 })
})
