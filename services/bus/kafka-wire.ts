import type { Broker } from 'kafkajs'

/** One request of Kafka's protocol (kafka.apache.org/protocol), for what the library does not offer or does not bound. */
export type WireRequest<T> = {
  apiKey: number
  apiVersion: number
  apiName: string
  body: Buffer
  decode(answer: WireReader): T
}

type Pool = {
  send<T>(protocol: {
    request: { apiKey: number; apiVersion: number; apiName: string; encode(): Promise<{ buf: Buffer; buffer: Buffer }> }
    response: { decode(answer: Buffer): Promise<T>; parse(decoded: T): Promise<T> }
  }): Promise<T>
}

/** Over the broker's own connections: they are authenticated and encrypted already. */
export const sendTo = <T>(broker: Broker, { body, decode, ...request }: WireRequest<T>): Promise<T> =>
  (broker as Broker & { connectionPool: Pool }).connectionPool.send({
    request: { ...request, encode: async () => ({ buf: body, buffer: body }) },
    response: { decode: async (answer) => decode(createWireReader(answer)), parse: async (decoded) => decoded },
  })

const outOfBounds = (): RangeError => new RangeError('the answer ends within a field')

/** Every read throws a RangeError beyond the end. */
export const createWireReader = (buffer: Buffer, start = 0, end = buffer.length) => {
  let at = start
  const take = (bytes: number): number => {
    if (bytes < 0 || at + bytes > end) throw outOfBounds()
    at += bytes
    return at - bytes
  }
  const varint = (): number => {
    let value = 0
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = buffer[take(1)]!
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) return value >>> 0
    }
    throw outOfBounds()
  }
  const bytes = (length: number): Buffer => {
    const from = take(length)
    return buffer.subarray(from, from + length)
  }
  const zigzag = (): number => {
    const value = varint()
    return (value >>> 1) ^ -(value & 1)
  }
  return {
    get left() {
      return end - at
    },
    int8: () => buffer.readInt8(take(1)),
    int16: () => buffer.readInt16BE(take(2)),
    int32: () => buffer.readInt32BE(take(4)),
    /** @throws beyond what a number holds exactly */
    int64: (): number => {
      const value = Number(buffer.readBigInt64BE(take(8)))
      if (!Number.isSafeInteger(value)) throw outOfBounds()
      return value
    },
    skip: (length: number) => void take(length),
    bytes,
    string: (): string => bytes(buffer.readInt16BE(take(2))).toString('utf8'),
    unsignedVarint: varint,
    varint: zigzag,
    /** Zigzag-coded; exact up to 2^53. */
    varlong: (): number => {
      let value = 0
      for (let scale = 1; scale <= 2 ** 49; scale *= 128) {
        const byte = buffer[take(1)]!
        value += (byte & 0x7f) * scale
        if (byte < 0x80) return value % 2 === 0 ? value / 2 : -(value + 1) / 2
      }
      throw outOfBounds()
    },
    /** Null where the length is negative. */
    varintBytes: (): Buffer | null => {
      const length = zigzag()
      return length < 0 ? null : bytes(length)
    },
    /** A string of the flexible versions: length + 1, or 0 for null. */
    compactString: (): string | null => {
      const length = varint()
      return length === 0 ? null : bytes(length - 1).toString('utf8')
    },
    skipTags: (): void => {
      for (let count = varint(); count > 0; count--) {
        varint()
        take(varint())
      }
    },
  }
}
export type WireReader = ReturnType<typeof createWireReader>

const int = (bytes: 1 | 2 | 4, value: number): Buffer => {
  const buffer = Buffer.alloc(bytes)
  buffer.writeIntBE(value, 0, bytes)
  return buffer
}
export const int8 = (value: number): Buffer => int(1, value)
export const int32 = (value: number): Buffer => int(4, value)
export const int64 = (value: number): Buffer => {
  const buffer = Buffer.alloc(8)
  buffer.writeBigInt64BE(BigInt(value))
  return buffer
}
export const string = (value: string): Buffer => {
  const text = Buffer.from(value)
  return Buffer.concat([int(2, text.length), text])
}
export const unsignedVarint = (value: number): Buffer => {
  const bytes: number[] = []
  let rest = value
  for (; rest >= 0x80; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80)
  return Buffer.from([...bytes, rest])
}
export const compactString = (value: string): Buffer => {
  const text = Buffer.from(value)
  return Buffer.concat([unsignedVarint(text.length + 1), text])
}
