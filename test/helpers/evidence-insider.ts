import { fromBinary, toBinary } from '@bufbuild/protobuf'
import { readStoredBatches } from '#services/recordings/format/block.ts'
import { createBlockBuilder } from '#services/recordings/format/block-builder.ts'
import { parseFooter } from '#services/recordings/format/block-footer.ts'
import { blockKeyOf, manifestKeyOf, parseSessionKey } from '#services/recordings/format/evidence-keys.ts'
import { batchHash, decodeBatchHeader } from '#services/recordings/format/frame-batch.ts'
import { encodeManifest, type Manifest, manifestOf } from '#services/recordings/format/manifest.ts'
import { type FrameBatch, FrameBatchSchema } from '#services/schema/generated/frame_batch_pb.ts'

/** Who holds the bucket writer's credentials and the session's key, and writes a session anew with the product's own code. */

/** The batches of a session, block by block, as messages that may be changed. */
export const openSession = (
  objects: ReadonlyMap<string, Uint8Array>,
  prefix: string,
  key: Uint8Array,
): FrameBatch[][] =>
  [...objects]
    .filter(([name]) => name.startsWith(prefix) && parseSessionKey(name)?.kind === 'block')
    .map(([, bytes]) =>
      Array.from(readStoredBatches(bytes, key), ({ finished }) => fromBinary(FrameBatchSchema, finished)),
    )

/** Chained anew from the first batch on; then blocks with their footers. The signed heads stay what they are. */
const rebuildBlocks = (blocks: FrameBatch[][], prefix: string, sessionKey: Uint8Array) => {
  let prevHash: Uint8Array | null = null
  return blocks.map((batches, at) => {
    const [{ sessionId, bastion }] = batches as [FrameBatch]
    const builder = createBlockBuilder({ sessionId, bastion, sessionKey, gap: null })
    for (const message of batches) {
      if (prevHash !== null) message.prevHash = prevHash
      const finished = toBinary(FrameBatchSchema, message)
      prevHash = batchHash(finished)
      builder.append({ finished, decoded: decodeBatchHeader(finished), hash: prevHash })
    }
    const { bytes, sha256 } = builder.finish(at === blocks.length - 1)
    return { key: blockKeyOf(prefix, Number(batches[0]!.batchSeq)), bytes, sha256 }
  })
}

/** All objects of the session, consistent with each other: blocks, footers and one manifest. */
export const writeSession = (
  objects: ReadonlyMap<string, Uint8Array>,
  prefix: string,
  sessionKey: Uint8Array,
  blocks: FrameBatch[][],
  ending: Pick<Manifest, 'endReason' | 'provisional'> = { endReason: 'exit', provisional: false },
): Map<string, Uint8Array> => {
  const written = rebuildBlocks(blocks, prefix, sessionKey)
  const named = written.map(({ key, bytes, sha256 }) => ({ key, sha256, info: parseFooter(bytes, bytes.byteLength) }))
  const result = new Map([...objects].filter(([key]) => !key.startsWith(prefix)))
  for (const { key, bytes } of written) result.set(key, bytes)
  return result.set(manifestKeyOf(prefix, 1), encodeManifest(manifestOf(named, ending, null)))
}
