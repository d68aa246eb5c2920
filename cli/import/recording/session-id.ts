import { createHmac, type KeyObject } from 'node:crypto'
import { v7 } from 'uuid'
import { SessionId } from '#services/schema/ids.ts'

/**
 * The same recording, of the same bastion, with the same names given, has the same id. Keyed: an id is told to many,
 * and must not let them try out which secrets a recording held before they were masked.
 */
export const recordingId = (privateKey: KeyObject, startedAtMs: number, facts: readonly string[]): SessionId => {
  const secret = privateKey.export({ type: 'pkcs8', format: 'der' })
  const random = createHmac('sha256', secret)
    .update(JSON.stringify(['bartizan-recording-v0', startedAtMs, ...facts]))
    .digest()
  return SessionId.parse(v7({ msecs: startedAtMs, random: random.subarray(0, 16), seq: random.readUInt32BE(16) }))
}
