import { actsRoot, openAct } from '../custody/act-format.ts'
import { hasCode } from '../errors.ts'
import type { NoteVerifier } from '../proofs/note.ts'
import type { RecordingReader } from '../recordings/recording-store.ts'
import type { CustodyAct } from '../schema/custody-act.ts'

const page = 1_000

/** What a key of evidence says of itself: the time in a UUIDv7. */
const atMsOf = (key: string): number => Number.parseInt(key.slice(-36).replaceAll('-', '').slice(0, 12), 16)

/**
 * Acts of custody that stand in the store, from a moment on. `unproven`: called for what our log's key did not sign.
 */
export async function* actsSince(
  evidence: Pick<RecordingReader, 'list' | 'get'>,
  verifier: NoteVerifier | null,
  sinceMs: number,
  unproven: (key: string) => void,
): AsyncGenerator<CustodyAct, void, void> {
  for (let after: string | undefined; ; ) {
    const objects = await evidence.list(actsRoot, { limit: page, ...(after !== undefined && { after }) })
    for (const { key } of objects) {
      if (atMsOf(key) < sinceMs) continue
      const bytes = await evidence.get(key)
      try {
        if (verifier !== null) yield openAct(bytes, verifier)
        else unproven(key)
      } catch (error) {
        if (!hasCode(error, 'BTZ_EVIDENCE_CORRUPT')) throw error
        unproven(key)
      }
    }
    after = objects.at(-1)?.key
    if (objects.length < page) return
  }
}
