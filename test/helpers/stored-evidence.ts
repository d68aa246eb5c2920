import type { KeyStore } from '#services/keys/key-store.ts'
import { readBatches } from '#services/recordings/format/block.ts'
import { parseFooter } from '#services/recordings/format/block-footer.ts'
import { parseSessionKey } from '#services/recordings/format/evidence-keys.ts'
import { decodeManifest } from '#services/recordings/format/manifest.ts'
import type { RecordingReader } from '#services/recordings/recording-store.ts'

export type EvidenceSource = { recordings: RecordingReader; keys: Pick<KeyStore, 'get'> }

/** All that is stored of a session, read back with every check of the format. */
export const storedEvidence = async ({ recordings, keys }: EvidenceSource, sessionId: string) => {
  const all = await recordings.list('evidence/', { limit: 100_000 })
  const evidence = {
    batches: [] as string[], // hex of the finished bytes, in stored order
    blocks: [] as ReturnType<typeof parseFooter>[],
    blockBytes: [] as Uint8Array[],
    manifests: [] as ReturnType<typeof decodeManifest>[],
    objects: all.filter(({ key }) => key.includes(sessionId)),
  }
  for (const { key } of evidence.objects) {
    const bytes = await recordings.get(key)
    if (parseSessionKey(key)?.kind === 'manifest') evidence.manifests.push(decodeManifest(bytes))
    else {
      const sessionKey = await keys.get(`session:${sessionId}`)
      evidence.blocks.push(parseFooter(bytes, bytes.byteLength))
      evidence.blockBytes.push(bytes)
      for (const finished of readBatches(bytes, sessionKey))
        evidence.batches.push(Buffer.from(finished).toString('hex'))
    }
  }
  return evidence
}

export const hexOf = (batches: readonly Uint8Array[]): string[] =>
  batches.map((batch) => Buffer.from(batch).toString('hex'))
