import type { DatabaseSync } from 'node:sqlite'
import type { BlockRow } from './catalog.ts'

export const createBlockWriter = (database: DatabaseSync) => {
  const put = database.prepare(
    `INSERT OR REPLACE INTO block
       (key, session_id, first_seq, last_seq, start_ns, end_ns, first_at_ms, last_at_ms, size_bytes, chain_hash, seals)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  )
  const seal = database.prepare('INSERT OR REPLACE INTO sealed (session_id, manifest_key) VALUES (?, ?)')
  return {
    putBlock: (row: BlockRow): void => {
      const { key, sessionId, firstSeq, lastSeq, startNs, endNs, firstAtMs, lastAtMs, sizeBytes, chainHash } = row
      const seals = row.seals ? 1 : 0
      put.run(key, sessionId, firstSeq, lastSeq, startNs, endNs, firstAtMs, lastAtMs, sizeBytes, chainHash, seals)
    },
    markSealed: (sessionId: string, manifestKey: string): void => {
      seal.run(sessionId, manifestKey)
    },
  }
}
