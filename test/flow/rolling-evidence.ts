import { pino } from 'pino'
import { systemClock } from '#services/clock.ts'
import { loadConfig } from '#services/config.ts'
import { createFileKeyStore } from '#services/keys/file-key-store.ts'
import { readStoredBatches } from '#services/recordings/format/block.ts'
import { type ChainPoint, checkChain, sameBytes } from '#services/recordings/format/chain.ts'
import { dateOf, parseSessionKey, sessionPrefix } from '#services/recordings/format/evidence-keys.ts'
import { decodeManifest, type Manifest } from '#services/recordings/format/manifest.ts'
import { verifyHead } from '#services/recordings/format/signed-head.ts'
import { createS3RecordingStore } from '#services/recordings/s3-recording-store.ts'
import type { Session } from '#services/schema/session.ts'

/** `signedTo`: the last batch that a signature of the agent vouches for. */
export type Proof = { manifest: Manifest; batches: number; signedTo: number }

/** Reads the evidence of sessions where it stands, and follows each chain from its first batch to its last. */
export const openEvidence = async (env: NodeJS.ProcessEnv, publicKey: Uint8Array) => {
  const config = loadConfig(undefined, env)
  const log = pino({ level: 'silent' })
  const { maxRetentionYears } = config.recordings
  const store = await createS3RecordingStore({ config: config.s3, maxRetentionYears, clock: systemClock, log })
  const keys = await createFileKeyStore({ folder: config.keysFolder!, clock: systemClock })

  const listed = async (session: Session): Promise<string[]> => {
    const startedMs = Date.parse(session.startedAt)
    const dates = new Set([dateOf(startedMs), dateOf(startedMs + 60_000)]) // the first batch may be of the next day
    const pages = [...dates].map((date) => store.list(sessionPrefix(date, session.id), { limit: 1000 }))
    return (await Promise.all(pages)).flat().map(({ key }) => key)
  }
  return {
    /** @throws where a batch is missing, comes twice, does not follow on the one before, or was signed by somebody else */
    prove: async (session: Session): Promise<Proof> => {
      const sessionKey = await keys.get(`session:${session.id}`)
      const chain: ChainPoint[] = []
      const heads: number[] = []
      let manifest: Manifest | null = null
      for (const key of (await listed(session)).sort()) {
        const bytes = await store.get(key)
        if (parseSessionKey(key)?.kind === 'manifest') {
          manifest = decodeManifest(bytes)
          continue
        }
        for (const { hash, decoded } of readStoredBatches(bytes, sessionKey)) {
          const link = { seq: decoded.batchSeq, hash, prevHash: decoded.prevHash }
          const last = chain.at(-1) ?? null
          const verdict = checkChain(last, link)
          if (verdict !== 'ok') throw new Error(`${key}: batch ${link.seq} after ${last?.seq}: ${verdict}`)
          chain.push({ seq: link.seq, hash })
          if (!decoded.head) continue
          const told = chain[Number(decoded.head.seq)]
          if (!told || !sameBytes(told.hash, decoded.head.hash) || !verifyHead(publicKey, session.id, decoded.head))
            throw new Error(`${key}: what batch ${link.seq} vouches for is not the agent's chain`)
          heads.push(told.seq)
        }
      }
      if (chain.length === 0 || manifest === null) throw new Error(`${session.id}: no evidence`)
      return { manifest, batches: chain.length, signedTo: heads.at(-1) ?? -1 }
    },
    close: async () => {
      await Promise.all([store.close(), keys.close()])
    },
  }
}
