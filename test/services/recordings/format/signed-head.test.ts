import { generateKeyPairSync, randomBytes, verify } from 'node:crypto'
import { create } from '@bufbuild/protobuf'
import test from 'ava'
import { headText, keyIdOf, rawPublicKey, signHead, verifyHead } from '#services/recordings/format/signed-head.ts'
import { SignedHeadSchema } from '#services/schema/generated/frame_batch_pb.ts'

const sessionId = '018f0000-0000-7000-8000-000000000001'
const { privateKey, publicKey } = generateKeyPairSync('ed25519')
const raw = rawPublicKey(publicKey)
const head = { sessionId, seq: 41, hash: randomBytes(32), atMs: 1_700_000_000_123 }

test('a head is verified with the raw public key of the agent', (t) => {
  const signed = signHead(privateKey, head)
  t.true(verifyHead(raw, sessionId, signed))
  t.is(signed.keyId, keyIdOf(raw))
  t.is(raw.byteLength, 32)
  t.deepEqual(rawPublicKey(privateKey), raw)
})

test('the signed bytes are the text that the protocol file names', (t) => {
  const text = `bartizan-head-v0\n${sessionId}\n41\n${head.hash.toString('hex')}\n1700000000123\n`
  t.is(headText(head), text)
  t.true(verify(null, Buffer.from(text), publicKey, signHead(privateKey, head).signature))
})

test('a head with any field changed is refused', (t) => {
  const signed = signHead(privateKey, head)
  const changed = (fields: object) => create(SignedHeadSchema, { ...signed, ...fields })
  t.false(verifyHead(raw, '018f0000-0000-7000-8000-000000000002', signed))
  t.false(verifyHead(raw, sessionId, changed({ seq: 42n })))
  t.false(verifyHead(raw, sessionId, changed({ atMs: 1n })))
  t.false(verifyHead(raw, sessionId, changed({ hash: randomBytes(32) })))
  t.false(verifyHead(raw, sessionId, changed({ signature: new Uint8Array(64) })))
  t.false(verifyHead(raw, sessionId, changed({ signature: new Uint8Array(3) })))
})

test('a head of another key, or a key that is none, is refused', (t) => {
  const other = rawPublicKey(generateKeyPairSync('ed25519').publicKey)
  const signed = signHead(privateKey, head)
  t.false(verifyHead(other, sessionId, signed))
  t.false(verifyHead(other, sessionId, create(SignedHeadSchema, { ...signed, keyId: keyIdOf(other) })))
  t.false(verifyHead(new Uint8Array(5), sessionId, signed))
  t.false(
    verifyHead(
      Buffer.alloc(32, 0xff),
      sessionId,
      create(SignedHeadSchema, { ...signed, keyId: keyIdOf(Buffer.alloc(32, 0xff)) }),
    ),
  )
})
