import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { create } from '@bufbuild/protobuf'
import type { ExecutionContext } from 'ava'
import { v7 } from 'uuid'
import { extendChain, newChain } from '#hooks/agent/session-chain.ts'
import { seal } from '#ingest/recorder/steps/seal.ts'
import { sessionPrefix } from '#services/recordings/format/evidence-keys.ts'
import { type Frame, Stream } from '#services/recordings/format/frame-batch.ts'
import { keyIdOf, rawPublicKey } from '#services/recordings/format/signed-head.ts'
import { EndReason, SessionEndSchema, SessionStartSchema } from '#services/schema/generated/frame_batch_pb.ts'
import type { ContentKeys } from '#services/verify/v0/session.ts'
import type { RegisteredKey } from '#services/verify/v0/signatures.ts'
import { frameWorkers } from './frame-worker.ts'

const atMs = Date.UTC(2026, 0, 31, 12)
const stepMs = 250
const headEveryMs = 1_000
export const corpusBastion = 'bastion-1'

export const signingKey = () => {
  const { privateKey } = generateKeyPairSync('ed25519')
  const publicKey = rawPublicKey(privateKey)
  const registered = (more: Partial<RegisteredKey> = {}): RegisteredKey => ({
    keyId: keyIdOf(publicKey),
    publicKey: Buffer.from(publicKey).toString('base64'),
    purpose: 'agent',
    revokedAt: null,
    ...more,
  })
  return { privateKey, registered }
}

const text = (random: () => number, bytes: number): Frame[] => {
  const frames: Frame[] = []
  for (let left = bytes; left > 0; left -= 500) {
    const line = `${Math.floor(random() * 1e9)} of ${left} bytes, as a terminal shows them\r\n`
    frames.push({
      delayNs: 1_000_000n,
      stream: Stream.TTYOUT,
      data: Buffer.from(line.repeat(Math.ceil(Math.min(500, left) / line.length))),
    })
  }
  return frames
}
const noise = (random: () => number, bytes: number): Frame => ({
  delayNs: 2_000_000n,
  stream: Stream.TTYOUT,
  data: Buffer.from(Uint8Array.from({ length: bytes }, () => Math.floor(random() * 256))),
})
const secret = (length: number): Frame => ({
  delayNs: 3_000_000n,
  stream: Stream.TTYIN,
  data: new Uint8Array(0),
  masked: { length, rule: 'no_echo' },
})

/** Batches of a session as the agent's own code chains and signs them. */
export const signedSession = (random: () => number, key: KeyObject) => {
  const sessionId = v7({ msecs: atMs })
  const facts = { hook: 'sudo', startedAtMs: atMs, user: 'alice', runAs: null, target: null, sourceIp: null }
  const more = { sourcePort: null, connectionId: null, parentId: null, tty: true }
  const chain = newChain(sessionId, { ...facts, ...more }, atMs)
  let nowMs = atMs
  let signs = key
  const write = (frames: readonly Frame[], fields: object = {}): Uint8Array => {
    nowMs += stepMs
    const signing = { privateKey: signs, everyMs: headEveryMs }
    const entry = extendChain(chain, { frames, ...fields }, corpusBastion, signing, nowMs)
    if (entry.type !== 'batch') throw new Error('no batch')
    return entry.body
  }
  return {
    sessionId,
    prefix: sessionPrefix(new Date(atMs).toISOString().slice(0, 10), sessionId),
    rotate: (next: KeyObject) => {
      signs = next
    },
    first: () =>
      write(text(random, 400), {
        start: create(SessionStartSchema, { atMs: BigInt(atMs), hook: 'sudo', user: 'alice' }),
      }),
    small: () => write([...text(random, 300), secret(1 + Math.floor(random() * 20))]),
    large: () => write(text(random, 40_000)),
    dense: () => write([noise(random, 9_000 + Math.floor(random() * 12_000))]),
    end: () => [
      write([], { end: create(SessionEndSchema, { atMs: BigInt(nowMs), reason: EndReason.EXIT, exitCode: 0 }) }),
      write([]),
    ],
  }
}

/**
 * Sessions that the real recorder stored in the real file store: of several blocks, of small batches, one resumed by
 * another worker and signed with two keys, one closed provisionally and gone on with.
 */
export const evidenceCorpus = async (t: ExecutionContext<unknown>, random: () => number) => {
  const w = await frameWorkers(t, { blockMaxBytes: 48 * 1024 })
  const [agent, next] = [signingKey(), signingKey()]
  const worker = w.start()

  const several = signedSession(random, agent.privateKey)
  await worker.takeBatches(several.first(), several.large(), several.small(), several.small(), several.dense())
  for (let round = 0; round < 4; round++) await worker.takeBatches(several.dense(), several.large(), several.small())
  await worker.takeBatches(...several.end())

  const small = signedSession(random, agent.privateKey)
  await worker.takeBatches(small.first(), ...Array.from({ length: 9 }, small.small), ...small.end())

  const resumed = signedSession(random, agent.privateKey)
  await worker.takeBatches(resumed.first(), resumed.small(), resumed.dense(), resumed.small(), resumed.small())
  await worker.drain()
  resumed.rotate(next.privateKey)
  const restarted = w.start()
  await restarted.takeBatches(resumed.small(), resumed.large(), resumed.dense(), ...resumed.end())

  const silent = signedSession(random, agent.privateKey)
  await restarted.takeBatches(silent.first(), silent.small(), silent.dense(), silent.small())
  await restarted.drain()
  const { sessionId, prefix } = silent
  await seal(w.ctx, { sessionId, bastion: corpusBastion, prefix, end: null }, true)
  await restarted.takeBatches(silent.small(), silent.dense(), silent.small(), ...silent.end())

  const objects = new Map<string, Uint8Array>()
  for (const { key } of await w.recordings.list('evidence/', { limit: 10_000 }))
    objects.set(key, await w.recordings.get(key))
  const sessionKeys = new Map<string, Uint8Array>()
  const sessions = [several, small, resumed, silent]
  for (const each of sessions)
    sessionKeys.set(`session:${each.sessionId}`, await w.keys.get(`session:${each.sessionId}`))
  const registered = [agent.registered(), next.registered({ purpose: 'agent' })]
  const keys: ContentKeys = {
    keyOf: async (keyId) => {
      const key = sessionKeys.get(keyId)
      return key ? { key } : { what: 'key-missing', detail: keyId }
    },
    agentKeys: async (bastion) => (bastion === corpusBastion ? registered : []),
  }
  return { folder: w.folder, objects, sessions, sessionKeys, keys, agent, next }
}
export type EvidenceCorpus = Awaited<ReturnType<typeof evidenceCorpus>>
