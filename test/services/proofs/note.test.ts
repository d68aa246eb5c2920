import { generateKeyPairSync } from 'node:crypto'
import test from 'ava'
import { openCheckpoint, signCheckpoint } from '#services/proofs/checkpoint.ts'
import { formatVerifier, openNote, parseVerifier, signNote, verifierOf } from '#services/proofs/note.ts'

const signerOf = (name: string) => ({ name, privateKey: generateKeyPairSync('ed25519').privateKey })
const root = Buffer.alloc(32, 7)
const corrupt = { code: 'BTZ_EVIDENCE_CORRUPT' }

test('a checkpoint is opened with the public key alone, and signing it again gives the same bytes', (t) => {
  const signer = signerOf('example.com/log')
  const verifier = parseVerifier(formatVerifier(verifierOf(signer)))
  const note = signCheckpoint(12, root, signer)
  t.deepEqual(openCheckpoint(Buffer.from(note), verifier), { origin: 'example.com/log', size: 12, root })
  t.is(signCheckpoint(12, root, signer), note)
  t.is(note.split('\n').slice(0, 4).join('|'), `example.com/log|12|${root.toString('base64')}|`)
})

test('a note of which any bit was changed is not opened', (t) => {
  const signer = signerOf('example.com/log')
  const note = Buffer.from(signCheckpoint(12, root, signer))
  for (let at = 0; at < note.length; at++) {
    const changed = Buffer.from(note)
    changed[at]! ^= 4
    t.throws(() => openCheckpoint(changed, verifierOf(signer)), corrupt, `byte ${at}`)
  }
})

test('a note that another key signed is not opened, also when that key has the same name', (t) => {
  const [ours, theirs] = [signerOf('example.com/log'), signerOf('example.com/log')]
  t.throws(() => openNote(Buffer.from(signNote('text\n', theirs)), verifierOf(ours)), corrupt)
})

test('signatures of other keys beside ours are ignored', (t) => {
  const [ours, witness] = [signerOf('example.com/log'), signerOf('witness')]
  const theirLine = signNote('text\n', witness).split('\n').at(-2)
  t.is(openNote(Buffer.from(`${signNote('text\n', ours)}${theirLine}\n`), verifierOf(ours)), 'text\n')
  const many = `${signNote('text\n', ours)}${`${theirLine}\n`.repeat(20)}`
  t.throws(() => openNote(Buffer.from(many), verifierOf(ours)), corrupt)
})

test('what is signed, but is no checkpoint of this log, is refused', (t) => {
  const signer = signerOf('example.com/log')
  const base64 = root.toString('base64')
  const wrong = [`other\n12\n${base64}\n`, `${signer.name}\n012\n${base64}\n`, `${signer.name}\n12\nAAAA\n`, 'x\n']
  for (const text of wrong) {
    t.throws(() => openCheckpoint(Buffer.from(signNote(text, signer)), verifierOf(signer)), corrupt, text)
  }
})

test('a verifier key that was tampered with, or is none, is refused', (t) => {
  const text = formatVerifier(verifierOf(signerOf('example.com/log')))
  const [name, id, key] = text.split('+', 3) as [string, string, string]
  for (const wrong of ['', 'x', `other+${id}+${key}`, `${name}+00000000+${key}`, `${name}+${id}+${'A'.repeat(44)}`]) {
    t.throws(() => parseVerifier(wrong), { code: 'BTZ_KEY_INVALID' }, wrong)
  }
})
