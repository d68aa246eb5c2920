import type { AgentKeys } from '#services/access/agent-keys.ts'
import type { CatalogReader } from '#services/catalog/catalog.ts'
import { BartizanError } from '#services/errors.ts'
import type { KeyStore } from '#services/keys/key-store.ts'
import type { NoteVerifier } from '#services/proofs/note.ts'
import { parseSessionKey } from '#services/recordings/format/evidence-keys.ts'
import type { RecordingReader } from '#services/recordings/recording-store.ts'
import { BastionName, SessionId } from '#services/schema/ids.ts'
import type { Session } from '#services/schema/session.ts'
import { openBundle } from '#services/verify/bundle/write-bundle.ts'

export type EvidenceExport = {
  catalog: Pick<CatalogReader, 'blocks'>
  recordings: RecordingReader
  keys: Pick<KeyStore, 'get'>
  logVerifier: NoteVerifier
  agents: { signingKeys: Pick<AgentKeys, 'list'> }
}

/**
 * A session's evidence with what proves it, as an archive that is verified elsewhere. `withKey`: with the key that its content is
 * encrypted under. @throws BTZ_NOT_FOUND BTZ_KEY_DESTROYED BTZ_EVIDENCE_CORRUPT: the log does not vouch for it
 */
export const exportEvidence = async (
  { catalog, recordings, keys, logVerifier, agents }: EvidenceExport,
  session: Session,
  withKey: boolean,
): Promise<AsyncGenerator<Uint8Array>> => {
  const sessionId = SessionId.parse(session.id)
  const bastion = BastionName.parse(session.bastion)
  const blocks = await catalog.blocks(sessionId)
  const registered = await agents.signingKeys.list(bastion)
  const bundle = await openBundle({
    source: recordings,
    verifier: logVerifier,
    sessionId,
    prefixes: blocks.flatMap(({ key }) => parseSessionKey(key)?.prefix ?? []),
    agents: {
      bastion,
      keys: registered.map(({ keyId, publicKey, purpose, revokedAt }) => ({ keyId, publicKey, purpose, revokedAt })),
    },
    sessionKey: withKey ? await keys.get(`session:${sessionId}`) : null,
  })
  if (bundle !== null) return bundle
  throw new BartizanError('BTZ_NOT_FOUND', 'nothing of this session is stored', {
    hint: 'the first block of a running session is stored within a minute',
  })
}
