import { leafOfObject } from '#services/proofs/leaf.ts'
import { verifierOf } from '#services/proofs/note.ts'
import { createFileRecordingReader } from '#services/recordings/file-recording-reader.ts'
import { parseFooter } from '#services/recordings/format/block-footer.ts'
import { parseSessionKey } from '#services/recordings/format/evidence-keys.ts'
import { createFrameProver } from '#services/verify/log/prove-frame.ts'
import { type EvidenceSource, listObjects } from '#services/verify/read-objects.ts'
import { benchSigner, writeLog } from './log.ts'

/** Bytes of objects that are read to prove single moments of the sessions in `folder`, over the bytes of their chunks. */
export const measureOneFrame = async (folder: string, name: string, sessionKey: Uint8Array, others: number) => {
  const files = createFileRecordingReader(folder)
  const log = new Map<string, Uint8Array>()
  const [manifests, blocks]: [string[], string[]] = [[], []]
  for await (const { key } of listObjects({ ...files, locks: false }, 'evidence/'))
    (parseSessionKey(key)?.kind === 'manifest' ? manifests : blocks).push(key)
  const leaves = await Promise.all(manifests.map(async (key) => leafOfObject('manifest', key, await files.get(key))))
  const signer = benchSigner()
  const more = Array.from({ length: others }, (_, at) => leafOfObject('access', `event-${at}`, Buffer.of(at % 256)))
  const keys = await writeLog([[...more, ...leaves]], signer, async (key, bytes) => void log.set(key, bytes))
  for (const [at, { id }] of leaves.entries()) log.set(keys.leafIndex(id), Buffer.from(`${others + at}\n`))

  let bytes = 0
  const isLog = (key: string) => key.startsWith('log/')
  const source: EvidenceSource = {
    locks: false,
    head: files.head,
    list: async (prefix, options) => {
      if (!isLog(prefix)) return files.list(prefix, options)
      const found = [...log.keys()].sort().filter((key) => key.startsWith(prefix) && key > (options.after ?? ''))
      const shown = { sizeBytes: 0, retainUntil: null, storedAt: new Date() }
      return found.slice(0, options.limit).map((key) => ({ key, ...shown }))
    },
    get: async (key, range) => {
      const read = isLog(key) ? log.get(key)! : await files.get(key, range)
      bytes += read.byteLength
      return read
    },
  }
  const prove = createFrameProver({ source, verifier: verifierOf(signer), sessionKey })
  const over: number[] = []
  let chunkBytes = 0
  for (const blockKey of blocks) {
    const block = await files.get(blockKey)
    const { frames } = parseFooter(block, block.byteLength)
    for (const { startNs, sizeBytes } of [frames[0]!, frames[Math.floor(frames.length / 2)]!]) {
      bytes = 0
      await prove({ blockKey, atNs: startNs + 1n })
      over.push(bytes - sizeBytes)
      chunkBytes = Math.max(chunkBytes, sizeBytes)
    }
  }
  return {
    what: `one chunk's proof, ${name}, log of ${others + leaves.length} leaves`,
    chunks: over.length,
    'largest chunk, bytes': chunkBytes,
    'read beside the chunk: first / most after it (≤ 10 KB)': `${over[0]} / ${Math.max(...over.slice(1))}`,
  }
}
