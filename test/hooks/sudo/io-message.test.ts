import { fromBinary } from '@bufbuild/protobuf'
import test from 'ava'
import { type IoSaid, readIoMessage } from '#hooks/sudo/io-message.ts'
import { decodeClientMessage } from '#hooks/sudo/messages.ts'
import { ClientMessageSchema } from '#services/schema/generated/log_server_pb.ts'
import { seededRandom } from '#test/helpers/seeded-random.ts'
import { encodeClientMessage } from '#test/helpers/sudo-client.ts'

const kinds = ['ttyinBuf', 'ttyoutBuf', 'stdinBuf', 'stdoutBuf', 'stderrBuf'] as const
const headerBytes = 4

const encoded = (kind: (typeof kinds)[number], seconds: bigint, tvNsec: number, data: Uint8Array): Buffer =>
  encodeClientMessage({ case: kind, value: { delay: { tvSec: seconds, tvNsec }, data } }).subarray(headerBytes)

const saidBy = ({ case: kind, value: { delay, data } }: IoSaid): string =>
  [kind, delay?.tvSec ?? 0n, delay?.tvNsec ?? 0, Buffer.from(data).toString('hex')].join(' ')

const byLibrary = (bytes: Uint8Array): string => {
  const { type } = fromBinary(ClientMessageSchema, bytes)
  return kinds.some((each) => each === type.case) ? saidBy(type as IoSaid) : `${type.case}`
}

test('bytes of a stream are read as the general decoder reads them', (t) => {
  for (const kind of kinds)
    for (const seconds of [0n, 1n, 300n, 2n ** 28n - 1n, 2n ** 28n, 2n ** 40n])
      for (const nanoseconds of [0, 1, 500_000, 999_999_999])
        for (const size of [0, 1, 127, 128, 16_384, 70_000]) {
          const bytes = encoded(kind, seconds, nanoseconds, new Uint8Array(size).fill(size))
          const isCommon = seconds < 2n ** 28n && size > 0
          t.is(readIoMessage(bytes) !== null, isCommon, `${seconds} ${nanoseconds} ${size}`)
          t.is(saidBy(decodeClientMessage(bytes) as IoSaid), byLibrary(bytes))
        }
})

test('of 100,000 damaged messages whatever is read here the general decoder reads likewise', (t) => {
  const seed = Number(process.env.FUZZ_SEED ?? Date.now() % 2 ** 31)
  t.log(`seed ${seed}`)
  const random = seededRandom(seed)
  const upTo = (limit: number): number => Math.floor(random() * limit)
  const telling = [0x0a, 0x12, 0x08, 0x10, 0x00, 0x01, 0x02, 0x03, 0x04, 0x7f, 0x80, 0x81, 0xff, 0x3a]
  const originals = kinds.map((kind) => encoded(kind, 3n, 500_000, Buffer.from('ab')))
  let readHere = 0
  for (let run = 0; run < 100_000; run++) {
    const bytes = Buffer.from(originals[upTo(originals.length)]!)
    for (let damages = 1 + upTo(3); damages > 0; damages--)
      bytes[upTo(bytes.byteLength)] = random() < 0.7 ? telling[upTo(telling.length)]! : upTo(256)
    const damaged = random() < 0.1 ? bytes.subarray(0, 1 + upTo(bytes.byteLength)) : bytes
    const said = readIoMessage(damaged)
    if (said === null) continue
    readHere += 1
    if (saidBy(said) !== byLibrary(damaged)) t.fail(damaged.toString('hex'))
  }
  t.true(readHere > 1_000, `${readHere}`)
})
