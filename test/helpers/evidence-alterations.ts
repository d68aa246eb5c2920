import type { KeyObject } from 'node:crypto'
import { toBinary } from '@bufbuild/protobuf'
import { parseFooter } from '#services/recordings/format/block-footer.ts'
import { blockKeyOf, manifestKeyOf, parseSessionKey } from '#services/recordings/format/evidence-keys.ts'
import { batchHash } from '#services/recordings/format/frame-batch.ts'
import { decodeManifest, encodeManifest, type Manifest } from '#services/recordings/format/manifest.ts'
import { signHead } from '#services/recordings/format/signed-head.ts'
import { FrameBatchSchema } from '#services/schema/generated/frame_batch_pb.ts'
import type { EvidenceCorpus } from './evidence-corpus.ts'
import { openSession, writeSession } from './evidence-insider.ts'

/**
 * One alteration of the corpus. `keys`: where it has to be found by the objects alone; `changed`: the objects that it
 * changed, where it has to be found when the log is asked. `frame`: in which frame, at level content. `needsKey`: without
 * a key and without the log nobody can see it.
 */
export type Alteration = {
  name: string
  prefix: string
  objects: Map<string, Uint8Array>
  keys: string[]
  changed: string[]
  frame?: number
  needsKey: boolean
}

const changedIn = (objects: ReadonlyMap<string, Uint8Array>, altered: ReadonlyMap<string, Uint8Array>): string[] =>
  [...new Set([...objects.keys(), ...altered.keys()])].filter((key) => objects.get(key) !== altered.get(key))

export const createAlterations = (corpus: EvidenceCorpus, stranger: KeyObject, random: () => number) => {
  const below = (count: number): number => Math.floor(random() * count)
  const any = <T>(items: readonly T[]): T => items[below(items.length)]!
  const { objects, sessions, sessionKeys } = corpus
  const keysOf = (prefix: string, kind?: 'block' | 'manifest') =>
    [...objects.keys()].filter((key) => key.startsWith(prefix) && (!kind || parseSessionKey(key)?.kind === kind))
  const bytesOf = (key: string) => objects.get(key)!
  const prefixOf = (key: string) => parseSessionKey(key)!.prefix
  const isBlock = (key: string) => parseSessionKey(key)?.kind === 'block'

  const replaced = (
    name: string,
    changes: Record<string, Uint8Array | null>,
    more: Partial<Alteration> = {},
  ): Alteration => {
    const altered = new Map(objects)
    for (const [key, bytes] of Object.entries(changes)) {
      if (bytes) altered.set(key, bytes)
      else altered.delete(key)
    }
    const keys = Object.keys(changes)
    return { name, prefix: prefixOf(keys[0]!), objects: altered, keys, changed: keys, needsKey: false, ...more }
  }
  const frameAt = (key: string, offset: number): { frame?: number } => {
    if (!isBlock(key)) return {}
    const { frames } = parseFooter(bytesOf(key), bytesOf(key).byteLength)
    const frame = frames.findIndex((each) => offset >= each.offset && offset < each.offset + each.sizeBytes)
    return frame < 0 ? {} : { frame }
  }

  const bitFlip = (): Alteration => {
    const key = any([...objects.keys()])
    const bytes = Uint8Array.from(bytesOf(key))
    // Half of them outside of the ciphertext, which is most of the bytes.
    const tail = Math.min(bytes.byteLength, 400)
    const offset = random() < 0.5 ? bytes.byteLength - 1 - below(tail) : below(bytes.byteLength)
    bytes[offset]! ^= 1 << below(8)
    return replaced(`bit of byte ${offset} of ${key}`, { [key]: bytes }, frameAt(key, offset))
  }

  const drop = (): Alteration => {
    const key = any([...objects.keys()])
    const prefix = prefixOf(key)
    const alteration = replaced(`without ${key}`, { [key]: null })
    // What stands beside a manifest that is gone is what shows it.
    return isBlock(key) ? alteration : { ...alteration, keys: [key, prefix, ...keysOf(prefix)] }
  }

  const swap = (): Alteration => {
    const key = any([...objects.keys()])
    const other = any(keysOf(prefixOf(key)).filter((each) => each !== key))
    return replaced(`${key} and ${other} swapped`, { [key]: bytesOf(other), [other]: bytesOf(key) })
  }

  const duplicate = (): Alteration => {
    const key = any([...objects.keys()])
    const prefix = prefixOf(key)
    const lastSeq = Math.max(
      ...keysOf(prefix, 'block').map((each) => (parseSessionKey(each) as { firstSeq: number }).firstSeq),
    )
    const copy = isBlock(key)
      ? blockKeyOf(prefix, lastSeq + 1 + below(50))
      : manifestKeyOf(prefix, keysOf(prefix, 'manifest').length + 1)
    return replaced(`${key} again as ${copy}`, { [copy]: bytesOf(key) })
  }

  const truncate = (): Alteration => {
    const key = any([...objects.keys()])
    const bytes = bytesOf(key)
    const at = below(bytes.byteLength)
    const piece = random() < 0.5 ? bytes.subarray(0, at) : bytes.subarray(at + 1)
    return replaced(`${key} cut at ${at}`, { [key]: piece })
  }

  const splice = (): Alteration => {
    const [to, from] = [any(sessions), any(sessions)]
    if (to === from) return splice()
    const key = any(keysOf(to.prefix, 'block'))
    const other = any(keysOf(from.prefix, 'block'))
    if (random() < 0.5) return replaced(`${other} in place of ${key}`, { [key]: bytesOf(other) })
    const frame = parseFooter(bytesOf(other), bytesOf(other).byteLength).frames[0]!
    const bytes = Uint8Array.from(bytesOf(key))
    const { ciphertextBytes } = parseFooter(bytes, bytes.byteLength)
    bytes.set(bytesOf(other).subarray(0, Math.min(frame.sizeBytes, ciphertextBytes)))
    return replaced(`a frame of ${other} in ${key}`, { [key]: bytes }, { frame: 0 })
  }

  const changeManifest = (manifest: Manifest): { manifest: unknown; needsKey?: boolean; name: string } => {
    const { blocks } = manifest
    const changes = [
      () => ({ name: 'one block less', manifest: { ...manifest, blocks: blocks.slice(0, -1) } }),
      () => ({ name: 'first block less', manifest: { ...manifest, blocks: blocks.slice(1) } }),
      () => ({
        name: 'order of blocks',
        manifest: { ...manifest, blocks: [...blocks.slice(1), blocks[0]] },
        isSame: blocks.length < 2,
      }),
      () => ({
        name: 'digest',
        manifest: { ...manifest, blocks: blocks.map((block) => ({ ...block, sha256: '0'.repeat(64) })) },
      }),
      () => ({
        name: 'chain hash',
        manifest: { ...manifest, blocks: blocks.map((block) => ({ ...block, chainHash: 'f'.repeat(64) })) },
      }),
      () => ({ name: 'a gap', manifest: { ...manifest, gaps: [{ firstSeq: 1, lastSeq: 2, reason: 'lost' }] } }),
      () => ({ name: 'bastion', manifest: { ...manifest, bastion: 'bastion-2' } }),
      () => ({
        name: 'session',
        manifest: {
          ...manifest,
          sessionId: any(sessions.filter((each) => each.sessionId !== manifest.sessionId)).sessionId,
        },
      }),
      () => ({
        name: 'previous',
        manifest: { ...manifest, previous: { key: 'evidence/v1/x', sha256: '0'.repeat(64) } },
      }),
      // The end stands inside of the recording only: without a key nobody can compare.
      () => ({ name: 'end reason', manifest: { ...manifest, endReason: 'aborted' }, needsKey: true }),
    ]
    const change = any(changes)()
    return 'isSame' in change && change.isSame ? changeManifest(manifest) : change
  }
  const replaceManifest = (): Alteration => {
    const session = any(sessions)
    const key = keysOf(session.prefix, 'manifest').at(-1)!
    const { name, manifest, needsKey = false } = changeManifest(decodeManifest(bytesOf(key)))
    const bytes = encodeManifest(manifest as Manifest)
    // A manifest that names other blocks is found at these blocks, too.
    return replaced(
      `manifest with another ${name}: ${key}`,
      { [key]: bytes },
      { needsKey, keys: keysOf(session.prefix) },
    )
  }

  const reopened = () => {
    const { sessionId, prefix } = any(sessions)
    const key = sessionKeys.get(`session:${sessionId}`)!
    const blocks = openSession(objects, prefix, key)
    const rewrite = (name: string, written = blocks, ending?: Parameters<typeof writeSession>[4]): Alteration => {
      const altered = writeSession(objects, prefix, key, written, ending)
      const changed = changedIn(objects, altered)
      const keys = [...new Set([...keysOf(prefix), ...changed])]
      return { name: `${name}: ${prefix}`, prefix, objects: altered, keys, changed, needsKey: true }
    }
    return { prefix, blocks, batches: blocks.flat(), rewrite }
  }

  /** The whole session is signed again, by a key that nobody registered. */
  const resign = (): Alteration => {
    const { batches, rewrite } = reopened()
    let prevHash: Uint8Array | null = null
    for (const message of batches) {
      if (prevHash !== null) message.prevHash = prevHash
      const { sessionId, head, batchSeq } = message
      if (head)
        message.head = signHead(stranger, {
          sessionId,
          seq: Number(batchSeq) - 1,
          hash: message.prevHash,
          atMs: head.atMs,
        })
      prevHash = batchHash(toBinary(FrameBatchSchema, message))
    }
    return rewrite('signed by another key')
  }

  const insiders: (() => Alteration)[] = [
    () => {
      const { batches, rewrite } = reopened()
      const message = any(batches.filter(({ payload, head }) => payload.length > 0 || head))
      const { payload } = message
      if (payload.length > 0 && message.payloadEncoding === 0) payload[below(payload.length)]! ^= 1
      else message.closedAtMs += 1n
      return rewrite(`batch ${message.batchSeq} with other content`)
    },
    () => {
      const { batches, rewrite } = reopened()
      for (const message of batches) delete message.head
      return rewrite('no signatures')
    },
    () => {
      const { batches, rewrite } = reopened()
      any(batches.filter(({ masked }) => masked.length > 0)).masked.pop()
      return rewrite('a masked place less')
    },
    () => {
      const { blocks, rewrite } = reopened()
      const kept = blocks.length > 1 ? blocks.slice(0, -1) : [blocks[0]!.slice(0, -2)]
      return { ...rewrite('cut at its end', kept, { endReason: 'unknown', provisional: true }), needsKey: false }
    },
    () => {
      const { batches, blocks, rewrite } = reopened()
      const from = 1 + below(batches.length - 3)
      const kept = blocks
        .map((block) => block.filter(({ batchSeq }) => Number(batchSeq) !== from))
        .filter((block) => block.length > 0)
      for (const [seq, message] of kept.flat().entries()) message.batchSeq = BigInt(seq)
      return rewrite(`batch ${from} taken out`, kept)
    },
    () => {
      const { batches, rewrite } = reopened()
      const { end } = batches.find((message) => message.end)!
      end!.exitCode = 1
      return rewrite('another exit code')
    },
    () => {
      const { batches, rewrite } = reopened()
      batches.at(-1)!.closedAtMs += 5n
      return rewrite('the last, unsigned batch with another time')
    },
  ]
  return { bitFlip, drop, swap, duplicate, truncate, splice, replaceManifest, resign, insider: () => any(insiders)() }
}
export type Alterations = ReturnType<typeof createAlterations>
