import { BartizanError } from '#services/errors.ts'

/**
 * ALiS v1, the live stream of asciinema 3: WebSocket sub-protocol `v1.alis`, one binary message per event
 * (docs.asciinema.org/manual/server/streaming). Numbers are unsigned LEB128, times microseconds. The times of all but
 * `init` are since the event before.
 */
export type AlisMessage =
  | { type: 'magic' }
  | { type: 'init'; lastId: bigint; timeUs: bigint; cols: number; rows: number; screen: Uint8Array }
  | { type: 'output' | 'input' | 'marker'; id: bigint; delayUs: bigint; text: Uint8Array }
  | { type: 'resize'; id: bigint; delayUs: bigint; cols: number; rows: number }
  | { type: 'exit'; id: bigint; delayUs: bigint; status: bigint }
  | { type: 'end'; delayUs: bigint }

export const maxMessageBytes = 1024 * 1024
const maxNumberBytes = 10 // of 64 bits
const maxNumber = 2n ** 64n - 1n
const magic = Buffer.from('ALiS\x01', 'latin1')
const themeColours: Readonly<Record<number, number>> = { 0: 0, 8: 2 + 8, 16: 2 + 16 }
const colourBytes = 3

const refuse = (what: string): never => {
  throw new BartizanError('BTZ_ALIS_FORMAT', `live stream refused: ${what}`)
}

const createReader = (message: Uint8Array) => {
  let at = 1 // behind the type
  const take = (length: number): Uint8Array => {
    if (length > message.length - at) refuse('a message that ends too early')
    at += length
    return message.subarray(at - length, at)
  }
  const number = (): bigint => {
    let value = 0n
    for (let index = 0; index < maxNumberBytes; index++) {
      const byte = take(1)[0]!
      value |= BigInt(byte & 0x7f) << BigInt(7 * index)
      if (byte < 0x80) return value > maxNumber ? refuse('a number of more than 64 bits') : value
    }
    return refuse('a number of more than 64 bits')
  }
  const cells = (): number => {
    const value = number()
    return value > 0xffffn ? refuse(`a terminal of ${value} cells a side`) : Number(value)
  }
  return {
    number,
    cells,
    text: (): Uint8Array => {
      const length = number()
      return length > BigInt(maxMessageBytes) ? refuse('a text that is too long') : take(Number(length))
    },
    skipTheme: (): void => {
      const colours = themeColours[take(1)[0]!]
      take(colours === undefined ? refuse('a theme of an unknown form') : colours * colourBytes)
    },
    done: <T>(value: T): T => (at === message.length ? value : refuse('bytes behind the end of a message')),
  }
}
type Reader = ReturnType<typeof createReader>

const readInit = ({ number, cells, skipTheme, text }: Reader): AlisMessage => {
  const [lastId, timeUs, cols, rows] = [number(), number(), cells(), cells()]
  skipTheme()
  return { type: 'init', lastId, timeUs, cols, rows, screen: text() }
}
const readText =
  (type: 'output' | 'input' | 'marker') =>
  ({ number, text }: Reader): AlisMessage => ({ type, id: number(), delayUs: number(), text: text() })

const readers: Readonly<Record<number, (reader: Reader) => AlisMessage>> = {
  1: readInit,
  4: ({ number }) => ({ type: 'end', delayUs: number() }),
  111: readText('output'),
  105: readText('input'),
  109: readText('marker'),
  114: ({ number, cells }) => ({ type: 'resize', id: number(), delayUs: number(), cols: cells(), rows: cells() }),
  120: ({ number }) => ({ type: 'exit', id: number(), delayUs: number(), status: number() }),
}

/** One WebSocket message; its texts are views of it. @throws BTZ_ALIS_FORMAT */
export const parseAlisMessage = (message: Uint8Array): AlisMessage => {
  if (message.length > maxMessageBytes) return refuse(`a message of ${message.length} bytes`)
  if (magic.equals(message)) return { type: 'magic' }
  const read = readers[message[0] ?? -1] ?? refuse('a message of an unknown type')
  const reader = createReader(message)
  return reader.done(read(reader))
}
