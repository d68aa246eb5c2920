import { spawnSync } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { finished as written } from 'node:stream/promises'
import { createZstdCompress } from 'node:zlib'
import { create } from '@bufbuild/protobuf'
import { v7 } from 'uuid'
import { extendChain, newChain } from '#hooks/agent/session-chain.ts'
import { createFileRecordingReader } from '#services/recordings/file-recording-reader.ts'
import { createBlockBuilder } from '#services/recordings/format/block-builder.ts'
import { blockKeyOf, manifestKeyOf, sessionPrefix } from '#services/recordings/format/evidence-keys.ts'
import { batchHash, decodeBatchHeader, type Frame, Stream } from '#services/recordings/format/frame-batch.ts'
import { encodeManifest, type ManifestBlock, manifestOf } from '#services/recordings/format/manifest.ts'
import { keyIdOf, rawPublicKey } from '#services/recordings/format/signed-head.ts'
import { EndReason, SessionEndSchema, SessionStartSchema } from '#services/schema/generated/frame_batch_pb.ts'
import type { ContentKeys } from '#services/verify/v0/session.ts'
import { verifyEvidence } from '#services/verify/verify-evidence.ts'
import { measureLog } from './verify/log.ts'
import { measureOneFrame } from './verify/one-frame.ts'

/**
 * What verification costs, beside `sha256sum` of the same stored objects (level sealed) and `zstd -dc | sha256sum` of
 * what was recorded (level content). CPU seconds of all processes, best of three rounds that alternate. Then what is read to
 * prove single chunks, and what reading a whole log costs.
 */
const MiB = 1024 * 1024
const rounds = 3
const blockBytes = 4 * MiB
const bastion = 'bench'
const atMs = Date.UTC(2026, 0, 31, 12)
const { privateKey } = generateKeyPairSync('ed25519')
const publicKey = rawPublicKey(privateKey)
const sessionKey = new Uint8Array(32).fill(7)

let state = 1
const random = (): number => {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
  return state
}
const shown = (data: Buffer): Frame => ({ delayNs: 1_000_000n, stream: Stream.TTYOUT, data })
const line = () =>
  `Nov 21 10:00:${random() % 60} host daemon[${random() % 30_000}]: request ${random()} took ${random() % 900} ms\r\n`
const textOf = (bytes: number): Buffer => {
  const lines: string[] = []
  for (let sum = 0; sum < bytes; sum += lines.at(-1)!.length) lines.push(line())
  return Buffer.from(lines.join('')).subarray(0, bytes)
}
const randomBytes = (bytes: number): Buffer => {
  const words = new Uint32Array(bytes / 4)
  for (let at = 0; at < words.length; at++) words[at] = random() ^ (random() >>> 16)
  return Buffer.from(words.buffer)
}

/** Frames of one batch, how many batches, how many sessions. */
const kinds: Record<string, { frames: () => Frame[]; batches: number; sessions: number }> = {
  'terminal text, 4 KB frames': {
    frames: () => Array.from({ length: 60 }, () => shown(textOf(4096))),
    batches: 400,
    sessions: 3,
  },
  'random bytes, 4 KB frames': {
    frames: () => Array.from({ length: 60 }, () => shown(randomBytes(4096))),
    batches: 400,
    sessions: 3,
  },
  'typing: 3 frames of 60 B a batch': {
    frames: () => Array.from({ length: 3 }, () => shown(textOf(60))),
    batches: 12_000,
    sessions: 5,
  },
}

/** A session of many blocks, written by the product's own code; `tell` gets what was recorded. */
const writeSession = async (folder: string, frames: () => Frame[], batches: number, tell: (raw: Buffer) => void) => {
  const sessionId = v7({ msecs: atMs })
  const facts = {
    hook: 'sudo',
    startedAtMs: atMs,
    user: 'alice',
    runAs: null,
    target: null,
    sourceIp: null,
    sourcePort: null,
  }
  const chain = newChain(sessionId, { ...facts, connectionId: null, parentId: null, tty: true }, atMs)
  const prefix = sessionPrefix('2026-01-31', sessionId)
  const opening = { sessionId, bastion, sessionKey, gap: null }
  const put = async (key: string, bytes: Uint8Array): Promise<void> => {
    await mkdir(dirname(join(folder, key)), { recursive: true })
    await writeFile(join(folder, key), bytes)
  }
  const blocks: ManifestBlock[] = []
  let builder = createBlockBuilder(opening)
  const close = async (seals: boolean): Promise<void> => {
    const { bytes, info, sha256 } = builder.finish(seals)
    const key = blockKeyOf(prefix, info.firstSeq)
    await put(key, bytes)
    blocks.push({ key, info, sha256 })
    builder = createBlockBuilder(opening)
  }
  for (let seq = 0; seq < batches + 2; seq++) {
    const ended = seq >= batches
    const some = ended ? [] : frames()
    for (const { data } of some) tell(Buffer.from(data))
    const first = seq === 0 && {
      start: create(SessionStartSchema, { atMs: BigInt(atMs), hook: 'sudo', user: 'alice' }),
    }
    const last = seq === batches && { end: create(SessionEndSchema, { atMs: BigInt(atMs), reason: EndReason.EXIT }) }
    const entry = extendChain(
      chain,
      { frames: some, ...first, ...last },
      bastion,
      { privateKey, everyMs: 10_000 },
      atMs + seq * 250,
    )
    if (entry.type !== 'batch') throw new Error('no batch')
    builder.append({ finished: entry.body, decoded: decodeBatchHeader(entry.body), hash: batchHash(entry.body) })
    if (builder.sizeBytes >= blockBytes && !ended) await close(false)
  }
  await close(true)
  await put(
    manifestKeyOf(prefix, 1),
    encodeManifest(manifestOf(blocks, { endReason: 'exit', provisional: false }, null)),
  )
}

type Cost = { cpu: number; wall: number }

/** Of a command and all that it starts. */
const costOf = (command: string): Cost => {
  const { stderr, status } = spawnSync('bash', ['-c', `TIMEFORMAT='%R %U %S'; time { ${command} ; } >/dev/null`], {
    encoding: 'utf8',
  })
  const [wall, user, system] = stderr.trim().split(/\s+/).map(Number)
  if (status !== 0 || system === undefined) throw new Error(stderr)
  return { cpu: user! + system, wall: wall! }
}

const keys: ContentKeys = {
  keyOf: async () => ({ key: sessionKey }),
  agentKeys: async () => [
    {
      keyId: keyIdOf(publicKey),
      publicKey: Buffer.from(publicKey).toString('base64'),
      purpose: 'agent',
      revokedAt: null,
    },
  ],
}
const verifying = async (folder: string, content: boolean): Promise<Cost> => {
  const source = { ...createFileRecordingReader(folder), locks: false }
  const [startMs, startCpu] = [performance.now(), process.cpuUsage()]
  for await (const report of verifyEvidence(source, { prefix: 'evidence/' }, content ? keys : null))
    if (report.type === 'finding') throw new Error(JSON.stringify(report.finding))
  const { user, system } = process.cpuUsage(startCpu)
  return { cpu: (user + system) / 1e6, wall: (performance.now() - startMs) / 1000 }
}

const best = (costs: Cost[]): Cost => ({
  cpu: Math.min(...costs.map(({ cpu }) => cpu)),
  wall: Math.min(...costs.map(({ wall }) => wall)),
})

const measure = async (folder: string, name: string) => {
  const { frames, batches, sessions } = kinds[name]!
  const raw = createZstdCompress()
  const packed = join(folder, 'recorded.zst')
  const file = createWriteStream(packed)
  raw.pipe(file)
  let rawBytes = 0
  for (let session = 0; session < sessions; session++)
    await writeSession(folder, frames, batches, (bytes) => {
      rawBytes += bytes.byteLength
      raw.write(bytes)
    })
  raw.end()
  await written(file)
  const costs: Record<'sealed' | 'content' | 'sha256sum' | 'zstd', Cost[]> = {
    sealed: [],
    content: [],
    sha256sum: [],
    zstd: [],
  }
  for (let round = 0; round < rounds; round++) {
    costs.sha256sum.push(costOf(`find ${folder}/evidence -type f -print0 | xargs -0 sha256sum`))
    costs.sealed.push(await verifying(folder, false))
    costs.zstd.push(costOf(`zstd -dc ${packed} | sha256sum`))
    costs.content.push(await verifying(folder, true))
  }
  const storedBytes = Number(
    spawnSync('du', ['-sb', join(folder, 'evidence')], { encoding: 'utf8' }).stdout.split('\t')[0],
  )
  const [sealed, content, plain, unpacked] = [costs.sealed, costs.content, costs.sha256sum, costs.zstd].map(best) as [
    Cost,
    Cost,
    Cost,
    Cost,
  ]
  const shownCost = ({ cpu, wall }: Cost) => `${cpu.toFixed(2)} / ${wall.toFixed(2)}`
  return {
    what: name,
    'recorded MB': Math.round(rawBytes / 1e6),
    'stored MB': Math.round(storedBytes / 1e6),
    'sha256sum, CPU / wall s': shownCost(plain),
    'level sealed': shownCost(sealed),
    'ratio (≤ 1.2)': (sealed.cpu / plain.cpu).toFixed(2),
    'zstd -dc | sha256sum': shownCost(unpacked),
    'level content': shownCost(content),
    'ratio (≤ 1.5)': (content.cpu / unpacked.cpu).toFixed(2),
  }
}

const rows: object[] = []
for (const name of Object.keys(kinds)) {
  const folder = await mkdtemp(join(tmpdir(), 'bartizan-verify-'))
  try {
    rows.push(await measure(folder, name))
    for (const others of [200, 20_000]) rows.push(await measureOneFrame(folder, name, sessionKey, others))
  } finally {
    await rm(folder, { recursive: true })
  }
}
for (const leaves of [100_000, 1_000_000]) rows.push(await measureLog(leaves))
for (const row of rows) process.stdout.write(`${JSON.stringify(row, null, 1)}\n`)
