import { sameBytes } from '#services/recordings/format/chain.ts'
import type { DecodedBatch } from '#services/recordings/format/frame-batch.ts'
import { encodeFrameBatch } from '#services/recordings/format/frame-batch.ts'
import { verifyHead } from '#services/recordings/format/signed-head.ts'
import type { Finding, Signer } from '../finding.ts'

/** A key that was registered for a bastion. `publicKey`: raw Ed25519, base64. */
export type RegisteredKey = {
  keyId: string
  publicKey: string
  purpose: 'agent' | 'import'
  revokedAt: string | null
}

/** Why a head does not hold, or the signer for whom it does. */
type Judged = { signer: Signer } | { verdict: Finding['verdict']; what: string; detail: string }

const tampered = (what: string, detail: string): Judged => ({ verdict: 'tampered', what, detail })

/** The heads of one session against the keys of its bastion; null: nobody can say which these are. */
export const createHeadCheck = (sessionId: string, keys: readonly RegisteredKey[] | null) => {
  const byId = new Map(keys?.map((key) => [key.keyId, key]))
  const signers = new Map<string, Signer>()

  const signerOf = ({ keyId, purpose, revokedAt }: RegisteredKey): Signer => {
    const signer = signers.get(keyId) ?? { keyId, purpose, revokedAt, heads: 0 }
    signers.set(keyId, signer)
    return signer
  }
  const judge = ({ batchSeq, prevHash, head }: DecodedBatch): Judged => {
    if (!head) return tampered('head', 'no head')
    if (head.seq !== BigInt(batchSeq - 1) || !sameBytes(head.hash, prevHash))
      return tampered('head', `the head vouches for another chain than the one up to batch ${batchSeq - 1}`)
    if (keys === null || keys.length === 0)
      return { verdict: 'unknown', what: 'signer-unknown', detail: 'no key of this bastion is known' }
    const key = byId.get(head.keyId)
    const shown = /^[0-9a-f]{64}$/.test(head.keyId) ? head.keyId : 'a key id that is none'
    if (!key) return tampered('signer', `signed by ${shown}, which was never registered for this bastion`)
    if (!verifyHead(Buffer.from(key.publicKey, 'base64'), sessionId, head))
      return tampered('signature', `the signature by ${shown} does not hold`)
    if (key.revokedAt !== null && Number(head.atMs) > Date.parse(key.revokedAt))
      return tampered('signer-revoked', `signed by ${shown} after it was revoked (${key.revokedAt})`)
    return { signer: signerOf(key) }
  }
  return {
    /** Null: the head holds. */
    check: (batch: DecodedBatch): Exclude<Judged, { signer: Signer }> | null => {
      const judged = judge(batch)
      if (!('signer' in judged)) return judged
      judged.signer.heads++
      return null
    },
    signers: () => [...signers.values()],
  }
}
export type HeadCheck = ReturnType<typeof createHeadCheck>

/**
 * A batch that holds nothing but a head: nobody signs it, and nobody has to, since all of it follows from what is
 * signed. @param startNs what was recorded before it
 */
export const followsFromHead = (finished: Uint8Array, { head, ...batch }: DecodedBatch, startNs: bigint): boolean => {
  if (!head || batch.start || batch.end || batch.frameCount > 0) return false
  const { sessionId, bastion, batchSeq, prevHash, salt } = batch
  const said = { sessionId, bastion, batchSeq, prevHash, startNs, closedAtMs: Number(head.atMs), head }
  const header = salt === undefined ? said : { ...said, salt }
  return sameBytes(encodeFrameBatch(header, []), finished)
}
