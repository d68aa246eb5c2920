import { generateKeyPairSync } from 'node:crypto'
import test from 'ava'
import { actKeyOf, actsPrefix, encodeAct, openAct } from '#services/custody/act-format.ts'
import { draftAct } from '#services/custody/write-act.ts'
import { signNote, verifierOf } from '#services/proofs/note.ts'
import { SessionId } from '#services/schema/ids.ts'

const sessionId = SessionId.parse('0199aaaa-0000-7000-8000-000000000001')
const clock = { now: () => Date.parse('2026-03-01T10:00:00Z') }
const signer = () => ({ name: 'evidence.test', privateKey: generateKeyPairSync('ed25519').privateKey })
const hold = () =>
  draftAct(
    {
      kind: 'hold',
      sessionId,
      holdId: '0199aaaa-0000-7000-8000-000000000002',
      reason: 'case 7',
      by: [{ did: 'requested', name: 'carla', role: 'custodian', id: 't1' }],
    },
    clock,
  )

test('an act that was written can be read by who has the public key', (t) => {
  const [key, act] = [signer(), hold()]
  t.deepEqual(openAct(encodeAct(act, key), verifierOf(key)), act)
})

test('an act stands with the others of its session', (t) => {
  const act = hold()
  t.is(actKeyOf(act), `${actsPrefix(sessionId)}${act.id}`)
})

test('a byte that was changed in an act is found, wherever it is', (t) => {
  const key = signer()
  const bytes = Buffer.from(encodeAct(hold(), key))
  for (let at = 0; at < bytes.length; at++) {
    const changed = Buffer.from(bytes)
    changed[at]! ^= 1
    t.throws(() => openAct(changed, verifierOf(key)), { code: 'BTZ_EVIDENCE_CORRUPT' }, `byte ${at}`)
  }
})

test('an act that another key signed is refused', (t) => {
  t.throws(() => openAct(encodeAct(hold(), signer()), verifierOf(signer())), { code: 'BTZ_EVIDENCE_CORRUPT' })
})

test('a checkpoint is no act, though the same key signed it', (t) => {
  const key = signer()
  const note = Buffer.from(signNote('evidence.test\n7\nAAAA\n', key))
  t.throws(() => openAct(note, verifierOf(key)), { code: 'BTZ_EVIDENCE_CORRUPT', message: /something else/ })
})
