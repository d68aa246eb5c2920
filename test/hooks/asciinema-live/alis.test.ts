import test from 'ava'
import { type AlisMessage, parseAlisMessage } from '#hooks/asciinema-live/alis-message.ts'
import { createAlisStream } from '#hooks/asciinema-live/alis-stream.ts'
import { BartizanError, hasCode } from '#services/errors.ts'
import { Stream } from '#services/recordings/format/frame-batch.ts'
import { seededRandom } from '#test/helpers/seeded-random.ts'
import { init, kind, magic, message, number, text } from './messages.ts'

test('a stream as asciinema 3 writes it becomes frames with their times (client written from its source)', (t) => {
  const stream = createAlisStream()
  t.deepEqual(stream.take(magic), [])
  t.deepEqual(stream.take(init(7, 5_000_000n, '\x1b[H$ ')), [
    {
      do: 'begin',
      begin: {
        lastId: 7n,
        elapsedUs: 5_000_000n,
        cols: 80,
        rows: 24,
        screen: Uint8Array.from(Buffer.from('\x1b[H$ ')),
      },
    },
  ])
  const output = stream.take(message(kind('o'), number(8), number(300_000), text('hé')))
  t.deepEqual(output, [
    { do: 'frame', frame: { delayNs: 300_000_000n, stream: Stream.TTYOUT, data: Uint8Array.from(Buffer.from('hé')) } },
  ])
  t.deepEqual(stream.take(message(kind('m'), number(9), number(1000), text('here'))), [{ do: 'label', text: 'here' }])
  const [typed] = stream.take(message(kind('i'), number(10), number(500), text('q')))
  t.like(typed, { do: 'frame', frame: { delayNs: 1_500_000n, stream: Stream.TTYIN } })
  const [resized] = stream.take(message(kind('r'), number(11), number(0), number(132), number(40)))
  t.like(resized, { do: 'frame', frame: { stream: Stream.RESIZE, data: Uint8Array.of(0, 40, 0, 132) } })
  t.deepEqual(stream.take(message(kind('x'), number(12), number(1), number(3))), [{ do: 'exit', exitCode: 3 }])
  t.deepEqual(stream.heard, { lastId: 12n, elapsedUs: 5_301_501n })
  t.deepEqual(stream.take(message(4, number(9))), [{ do: 'offline' }])
})

test('numbers that never came are told, and a producer that begins again goes on from what it says', (t) => {
  const stream = createAlisStream()
  stream.take(magic)
  stream.take(init(0, 0n))
  t.deepEqual(stream.take(message(kind('o'), number(4), number(0), text('x')))[0], { do: 'missed', events: 3n })
  t.deepEqual(stream.take(message(4, number(1))), [{ do: 'offline' }])
  t.like(stream.take(init(9, 77n))[0], { do: 'begin', begin: { lastId: 9n, elapsedUs: 77n } })
  t.is(stream.take(message(kind('o'), number(10), number(0), text('y'))).length, 1)
})

test('themes of 8 and 16 colours are skipped, others refused', (t) => {
  for (const colours of [8, 16]) {
    const theme = [colours, ...new Array<number>((2 + colours) * 3).fill(0x7f)]
    t.like(parseAlisMessage(init(1, 2n, 'screen', theme)), { type: 'init', cols: 80, rows: 24 })
  }
  t.throws(() => parseAlisMessage(init(1, 2n, '', [7])), { instanceOf: BartizanError })
})

test('hostile messages are refused by name', (t) => {
  const huge = new Array<number>(9).fill(0xff)
  const hostile: Record<string, Uint8Array> = {
    'no byte': message(),
    'unknown type': message(2),
    'version 2': Buffer.from('ALiS\x02', 'latin1'),
    'a number without end': message(4, new Array<number>(20).fill(0x80)),
    'a number of 70 bits': message(4, huge, 0x7f),
    'text longer than the message': message(kind('o'), 1, 1, number(5), 0x61),
    'text of 2^63 bytes': message(kind('o'), 1, 1, number(2n ** 63n)),
    'bytes behind the end': message(4, 1, 1),
    'a terminal of 65536 columns': message(kind('r'), 1, 1, number(65_536), 24),
    'more than a mebibyte': new Uint8Array(1024 * 1024 + 1).fill(kind('o')),
  }
  for (const [what, bytes] of Object.entries(hostile)) {
    t.is(t.throws(() => parseAlisMessage(bytes), { instanceOf: BartizanError }, what)?.code, 'BTZ_ALIS_FORMAT')
  }
  t.like(parseAlisMessage(message(4, huge, 1)), { type: 'end', delayUs: 2n ** 64n - 1n })
})

test('messages out of turn, times over a century and events sent twice are refused', (t) => {
  const online = () => {
    const stream = createAlisStream()
    stream.take(magic)
    stream.take(init(5, 0n))
    return stream
  }
  const output = (id: number, delayUs: bigint) => message(kind('o'), number(id), number(delayUs), text('x'))
  const refused = { instanceOf: BartizanError }
  t.throws(() => createAlisStream().take(output(1, 0n)), refused)
  t.throws(() => online().take(magic), refused)
  t.throws(() => online().take(init(6, 0n)), refused)
  t.throws(() => online().take(output(5, 0n)), refused)
  t.throws(() => online().take(output(6, 2n ** 62n)), refused)
  const ended = online()
  ended.take(message(kind('x'), number(6), number(0), number(0)))
  t.throws(() => ended.take(output(7, 0n)), refused)
})

test('100,000 hostile streams: each message is read or refused by name, and no text is longer than what came', (t) => {
  const seed = Date.now() % 1_000_000
  const random = seededRandom(seed)
  const upTo = (most: number) => Math.floor(random() * most)
  const types = [1, 4, ...'oimrx'].map((type) => (typeof type === 'number' ? type : kind(type)))
  const randomMessage = (): Uint8Array => {
    const bytes = Uint8Array.from({ length: upTo(24) }, () => (random() < 0.7 ? upTo(6) : upTo(256)))
    if (bytes.length > 0 && random() < 0.95) bytes[0] = types[upTo(types.length)]!
    return bytes
  }
  let [read, refused] = [0, 0]
  const lengthOf = (parsed: AlisMessage): number =>
    'text' in parsed ? parsed.text.length : parsed.type === 'init' ? parsed.screen.length : 0
  for (let round = 0; round < 100_000; round++) {
    const stream = createAlisStream()
    stream.take(magic)
    if (round % 2 === 0) stream.take(init(0, 0n))
    const bytes = randomMessage()
    try {
      if (lengthOf(parseAlisMessage(bytes)) >= bytes.length) t.fail(`seed ${seed}`)
      stream.take(bytes)
      read += 1
    } catch (error) {
      if (!hasCode(error, 'BTZ_ALIS_FORMAT')) throw error
      refused += 1
    }
  }
  t.log(`seed ${seed}: ${read} read, ${refused} refused`)
  t.true(read > 1_000 && refused > 10_000)
})
