import type { Identity } from '#services/access/identity.ts'
import { BartizanError, hasCode } from '#services/errors.ts'
import { ImportKeyAnswer } from '#services/schema/uplink.ts'
import { forbidden, forbiddenHere, type Post } from '../post.ts'

/**
 * Whoever verifies a session finds the key that signed it among those of its bastion, with the word that it is an
 * import's: no agent of the bastion saw these bytes come to be. @throws BTZ_FORBIDDEN BTZ_UNAVAILABLE BTZ_KEY_INVALID
 */
export const registerKey = async (
  post: Post,
  bastion: string,
  { publicKey, keyId }: Pick<Identity, 'publicKey' | 'keyId'>,
): Promise<void> => {
  const body = JSON.stringify({ bastion, publicKey: Buffer.from(publicKey).toString('base64') })
  const upload = { path: '/api/ingest/signing-keys', contentType: 'application/json', body }
  const answer = await post(upload).catch((error: unknown) => {
    const isElsewhere = hasCode(error, 'BTZ_FORBIDDEN') && forbidden.test((error as Error).message)
    throw isElsewhere ? forbiddenHere((error as Error).message) : error
  })
  if (ImportKeyAnswer.parse(answer).signingKey === 'registered') return
  throw new BartizanError('BTZ_KEY_INVALID', `the signing key ${keyId} of this import was revoked`, {
    hint: 'move import/identity.key of the data folder away: the next import makes another',
  })
}
