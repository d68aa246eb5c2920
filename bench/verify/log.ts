import { generateKeyPairSync, hash } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { signCheckpoint } from '#services/proofs/checkpoint.ts'
import { type Edge, emptyEdge, grow } from '#services/proofs/growth.ts'
import { type Leaf, leafOfObject } from '#services/proofs/leaf.ts'
import { createLogKeys, type LogKeys } from '#services/proofs/log-keys.ts'
import { rangeHash } from '#services/proofs/merkle.ts'
import { type NoteSigner, verifierOf } from '#services/proofs/note.ts'
import { createTileHashes } from '#services/proofs/tiles.ts'
import { createFileRecordingReader } from '#services/recordings/file-recording-reader.ts'
import { rawPublicKey } from '#services/recordings/format/signed-head.ts'
import { askLog } from '#services/verify/log/ask-log.ts'
import { createLeafSet } from '#services/verify/log/leaf-set.ts'

/** What it costs to read a whole log, leaf by leaf, and what of it stays in memory. */

const atOnce = 65_536
const MiB = 1024 * 1024

export const benchSigner = (): NoteSigner => ({
  name: 'bench/log',
  privateKey: generateKeyPairSync('ed25519').privateKey,
})

/** `put` takes each object of a log of these leaves, under one checkpoint. */
export const writeLog = async (
  leaves: Iterable<Leaf[]>,
  signer: NoteSigner,
  put: (key: string, bytes: Uint8Array) => Promise<void>,
): Promise<LogKeys> => {
  const keys = createLogKeys({ publicKey: rawPublicKey(signer.privateKey) })
  const upper = new Map<string, Uint8Array>()
  let edge: Edge = emptyEdge
  for (const some of leaves) {
    const grown = grow(
      edge,
      some.map(({ entry }) => entry),
    )
    edge = grown.edge
    for (const { tile, bytes } of grown.tiles) {
      await put(keys.tile(tile), bytes)
      if (tile.level !== 'entries') upper.set(keys.tile(tile), bytes)
    }
  }
  const hashOf = createTileHashes(edge.size, async (tile) => upper.get(keys.tile(tile))!)
  const root = await rangeHash({ from: 0, to: edge.size }, hashOf)
  await put(keys.checkpoint(edge.size), Buffer.from(signCheckpoint(edge.size, root, signer)))
  return keys
}

const digest = hash('sha256', 'bench', 'buffer')
function* manifests(count: number): Generator<Leaf[]> {
  for (let first = 0; first < count; first += atOnce)
    yield Array.from({ length: Math.min(atOnce, count - first) }, (_, at) =>
      leafOfObject('manifest', `evidence/v1/2026-01-31/${first + at}/manifest-0001`, digest),
    )
}

const setBytes = (count: number): number => {
  const before = process.memoryUsage().arrayBuffers
  const set = createLeafSet(count)
  for (let at = 0; at < count; at++) {
    digest.writeUInt32LE(at)
    set.add(digest)
  }
  return (process.memoryUsage().arrayBuffers - before) / set.left()
}

export const measureLog = async (count: number) => {
  const folder = await mkdtemp(join(tmpdir(), 'bartizan-verify-'))
  try {
    const signer = benchSigner()
    await writeLog(manifests(count), signer, async (key, bytes) => {
      await mkdir(dirname(join(folder, key)), { recursive: true })
      await writeFile(join(folder, key), bytes)
    })
    const source = { ...createFileRecordingReader(folder), locks: false }
    const scope = { sessionId: '019c13ec-9e00-7488-8ff0-6974fb08b958' }
    const [startMs, startCpu, startRss] = [performance.now(), process.cpuUsage(), process.memoryUsage().rss]
    let rss = startRss
    const watch = setInterval(() => {
      rss = Math.max(rss, process.memoryUsage().rss)
    }, 50)
    for await (const found of askLog(source, scope, { verifier: verifierOf(signer), kept: [] }))
      throw new Error(JSON.stringify(found))
    clearInterval(watch)
    const { user, system } = process.cpuUsage(startCpu)
    return {
      what: `the log, ${count} leaves, for one session`,
      'CPU / wall s': `${((user + system) / 1e6).toFixed(1)} / ${((performance.now() - startMs) / 1000).toFixed(1)}`,
      'RSS grew, MiB': Math.round((rss - startRss) / MiB),
      'bytes per leaf, when all are in the scope': Math.round(setBytes(count)),
    }
  } finally {
    await rm(folder, { recursive: true })
  }
}
