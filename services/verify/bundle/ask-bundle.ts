import { leafOfObject } from '../../proofs/leaf.ts'
import { isIncluded } from '../../proofs/merkle.ts'
import { canonicalJson } from '../../recordings/format/manifest.ts'
import { tampered } from '../acts.ts'
import type { Finding } from '../finding.ts'
import type { Asked } from '../log/ask-log.ts'
import { leafKindOf } from '../log/leaf-kind.ts'
import { logFinding } from '../log/stored-log.ts'
import type { Head } from './read-head.ts'

/** The log as far as the bundle proves what stands in it. */
export const askBundle = ({ proofs, checkpoint, verifier }: Head): Asked => {
  const left = new Map(proofs.leaves.map((proven) => [proven.leaf.key, proven]))
  const check = (key: string, bytes: Uint8Array): Finding | null => {
    const kind = leafKindOf(key)
    if (kind === null || kind === 'events') return null
    const proven = left.get(key)
    left.delete(key)
    if (!proven || checkpoint === null)
      return logFinding('incomplete', 'log-pending', key, 'no checkpoint covered it when the bundle was made')
    const { entry, id } = leafOfObject(kind, key, bytes)
    if (entry.toString() !== canonicalJson(proven.leaf))
      return tampered('replaced', key, `leaf ${proven.index} of the log has SHA-256 ${proven.leaf.sha256} for it`)
    const proof = proven.proof.map((each) => Buffer.from(each, 'base64'))
    const { size, root } = checkpoint
    if (isIncluded({ index: proven.index, size, root, leaf: Buffer.from(id, 'hex'), proof })) return null
    return tampered('not-in-log', key, `the proof does not lead to the checkpoint of ${size} leaves`)
  }
  return {
    about: {
      ...{ origin: verifier.name, size: checkpoint?.size ?? 0, storedAt: null, kept: 0 },
      rootBase64: checkpoint && Buffer.from(checkpoint.root).toString('base64'),
    },
    look: (read) => {
      const found = read.bytes && check(read.object.key, read.bytes)
      return found ? { ...read, findings: [...read.findings, found] } : read
    },
    excuses: () => false,
    async *rest() {
      for (const [key, { index }] of left)
        yield tampered('gone', key, `the bundle has a proof of it, leaf ${index}, and not the object`)
    },
  }
}
