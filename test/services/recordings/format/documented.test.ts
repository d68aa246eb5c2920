import { createDecipheriv, createHash, createHmac, createPublicKey, verify } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { zstdDecompressSync } from 'node:zlib'
import test from 'ava'
import { goldenEvidence } from '#test/helpers/golden-evidence.ts'

/** Nothing of the product's format code here: what the page says is what is computed. */

const page = new URL('../../../../docs/evidence-format.md', import.meta.url)
const hmac = (key: Uint8Array, data: Uint8Array | string) => createHmac('sha256', key).update(data).digest()
const sha256 = (...data: (Uint8Array | string)[]) =>
  data.reduce<ReturnType<typeof createHash>>((sum, part) => sum.update(part), createHash('sha256')).digest('hex')
const expand = (prk: Uint8Array, info: string) => hmac(prk, Buffer.concat([Buffer.from(info), Buffer.of(1)]))
const hex = (bytes: Uint8Array | string) => Buffer.from(bytes).toString('hex')
const open = (key: Uint8Array, nonce: Uint8Array, aad: string, sealed: Uint8Array) => {
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: 16 })
  decipher.setAAD(Buffer.from(aad)).setAuthTag(sealed.subarray(-16))
  return Buffer.concat([decipher.update(sealed.subarray(0, -16)), decipher.final()])
}
/** Fields of a protobuf message: by number, the last value of each. */
const fieldsOf = (message: Uint8Array) => {
  const fields = new Map<number, bigint | Buffer>()
  const bytes = Buffer.from(message)
  let at = 0
  const varint = () => {
    let value = 0n
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++]!
      value |= BigInt(byte & 127) << shift
      if (byte < 128) return value
    }
  }
  while (at < bytes.byteLength) {
    const tag = Number(varint())
    const value = varint()
    if ((tag & 7) === 2) fields.set(tag >> 3, bytes.subarray(at, at + Number(value)))
    else fields.set(tag >> 3, value)
    if ((tag & 7) === 2) at += Number(value)
  }
  return {
    bytes: (number: number) => fields.get(number) as Buffer,
    text: (number: number) => String(fields.get(number) ?? 0),
  }
}

const blockExample = ({ objects, sessionOf, agents }: ReturnType<typeof goldenEvidence>) => {
  const { sessionId, key: sessionKey, blocks, manifests } = sessionOf('provisional')
  const key = blocks[0]!
  const block = Buffer.from(objects.get(key)!)
  const start = block.byteLength - 44 - block.readUInt32BE(block.byteLength - 12)
  const [footer, mac] = [block.subarray(start, -44), block.subarray(-44, -12)]
  const salt = fieldsOf(footer).bytes(12)
  const prk = hmac(salt, sessionKey)
  const blockKey = expand(prk, `bartizan block v1\n${sessionId}\n`)
  const footerKey = expand(prk, `bartizan footer v1\n${sessionId}\n`)
  const { text } = fieldsOf(fieldsOf(footer).bytes(14))
  const aad = `bartizan frame v1\n${sessionId}\n0\n${text(1)}\n${text(2)}\n${text(5)}\n`
  const frame = block.subarray(0, Number(text(4)))
  const nonce = Buffer.alloc(12)
  const plain = zstdDecompressSync(open(blockKey, nonce, aad, frame))
  const batches: Buffer[] = []
  for (let at = 0; at < plain.byteLength; at += 4 + plain.readUInt32BE(at))
    batches.push(plain.subarray(at + 4, at + 4 + plain.readUInt32BE(at)))
  const head = fieldsOf(batches.map((batch) => fieldsOf(batch).bytes(10)).find((bytes) => bytes !== undefined)!)
  const headText = `bartizan-head-v0\n${sessionId}\n${head.text(2)}\n${hex(head.bytes(3))}\n${head.text(4)}\n`
  const manifest = objects.get(manifests[0]!)!
  const leaf = `{"key":"${manifests[0]}","kind":"manifest","sha256":"${sha256(manifest)}","v":1}`
  return {
    values: [
      ['key', key],
      ['session key', hex(sessionKey)],
      ['size of the block', String(block.byteLength)],
      ['its SHA-256', sha256(block)],
      ['its last 12 bytes', hex(block.subarray(-12))],
      ['footer', hex(footer)],
      ['salt, field 12 of it', hex(salt)],
      ['PRK', hex(prk)],
      ['block key', hex(blockKey)],
      ['footer key', hex(footerKey)],
      ['MAC', hex(mac)],
      ['AAD of frame 0', JSON.stringify(aad)],
      ['nonce of frame 0', hex(nonce)],
      ['frame 0 begins', hex(frame.subarray(0, 16))],
      ['tag of frame 0', hex(frame.subarray(-16))],
      ['its plaintext, unpacked', `${plain.byteLength} bytes, ${batches.length} batches, SHA-256 ${sha256(plain)}`],
      ['hash of batch 0', sha256(batches[0]!)],
      ['batch 1', hex(batches[1]!)],
      ['hash of batch 1', sha256(batches[1]!)],
      ['text of the head in batch 3', JSON.stringify(headText)],
      ['its signature', hex(head.bytes(5))],
      ['public key of the agent', hex(Buffer.from(agents[0]!.publicKey, 'base64'))],
      ['manifest-0001', Buffer.from(manifest).toString()],
      ['its SHA-256', sha256(manifest)],
      ['its leaf', leaf],
      ['hash of the leaf', sha256(Buffer.of(0), leaf)],
    ],
    holds: [
      mac.equals(hmac(footerKey, footer)),
      hex(fieldsOf(batches[1]!).bytes(5)) === sha256(batches[0]!),
      hex(head.bytes(3)) === sha256(batches[2]!),
      hex(fieldsOf(footer).bytes(11)) === sha256(batches.at(-1)!),
      hex(fieldsOf(footer).bytes(13)) === sha256(block.subarray(0, start)),
      verify(null, Buffer.from(headText), publicKeyOf(agents[0]!.publicKey), head.bytes(5)),
    ],
  }
}
const publicKeyOf = (base64: string) =>
  createPublicKey({
    key: { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(base64, 'base64').toString('base64url') },
    format: 'jwk',
  })

const eventExample = ({ objects, events, keys }: ReturnType<typeof goldenEvidence>) => {
  const key = `${events.prefix}00000000000000000046`
  const block = Buffer.from(objects.get(key)!)
  const footer = block.subarray(block.byteLength - 12 - block.readUInt32BE(block.byteLength - 12), -12)
  const { bytes, text } = fieldsOf(footer)
  const [keyId, record] = [bytes(11).toString(), fieldsOf(bytes(12))]
  const place = `${events.busId}\n${events.topic}\n${events.partition}\n`
  const indexed = `bartizan event index v1\n${place}${text(7)}\n${text(8)}\n${record.text(1)} ${keyId}\n`
  const aad = `bartizan event v1\n${place}${record.text(1)}\n${record.text(6)}\n${sha256(indexed)}\n`
  const secret = Buffer.from(keys[keyId]!, 'hex')
  const recordKey = expand(hmac(bytes(9), secret), `bartizan event block v1\n${keyId}\n`)
  const value = open(recordKey, Buffer.alloc(12), aad, block.subarray(0, Number(record.text(5))))
  return [
    ['key', key],
    ['its footer', hex(footer)],
    [keyId, hex(secret)],
    ['text of the index', JSON.stringify(indexed)],
    ['AAD of record 0', JSON.stringify(aad)],
    ['key of record 0', hex(recordKey)],
    ['record 0', value.toString()],
  ]
}

/** `name = value`, a long value on lines that begin with a space. */
const exampleOf = (text: string): string[] =>
  (/^```example\n(.*?)^```$/ms.exec(text)?.[1] ?? '').replaceAll(/\n +/g, '').trimEnd().split('\n')

test('the example of the page is what its text says, computed anew with nothing of ours', async (t) => {
  const golden = goldenEvidence(1)
  const { values, holds } = blockExample(golden)
  t.deepEqual(
    holds,
    holds.map(() => true),
  )
  const lines = [...values, ...eventExample(golden)].map(([name, value]) => `${name} = ${value}`)
  t.deepEqual(exampleOf(await readFile(page, 'utf8')), lines)
})
