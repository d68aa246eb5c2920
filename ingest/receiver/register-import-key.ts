import type { AgentKeys } from '#services/access/agent-keys.ts'
import type { Bus } from '#services/bus/bus.ts'
import type { Clock } from '#services/clock.ts'
import { BartizanError } from '#services/errors.ts'
import { keyIdOf } from '#services/recordings/format/signed-head.ts'
import { ImportKey, type ImportKeyAnswer } from '#services/schema/uplink.ts'
import { parseJson } from './parse-json.ts'
import type { Sender } from './sender.ts'
import { signingKeyEvent } from './signing-key-event.ts'

export type RegisterImportKeyOptions = {
  agentKeys: Pick<AgentKeys, 'seen'>
  bus: Pick<Bus, 'produce'>
  clock: Clock
}

/**
 * Keeps the key of an import beside those of the bastion's agents, so that what it signed can be verified, and nobody
 * takes it for the word of an agent. @throws BTZ_FORBIDDEN BTZ_REQUEST_INVALID BTZ_UNAVAILABLE
 */
export const registerImportKey = async (
  { agentKeys, bus, clock }: RegisterImportKeyOptions,
  sender: Sender,
  body: Buffer,
): Promise<ImportKeyAnswer> => {
  const { bastion, publicKey: text } = parseJson(ImportKey, body)
  if (!sender.mayWriteFor(bastion))
    throw new BartizanError('BTZ_FORBIDDEN', `the token may not write for bastion ${bastion}`)
  const publicKey = Buffer.from(text, 'base64')
  if (publicKey.byteLength !== 32) throw new BartizanError('BTZ_REQUEST_INVALID', 'publicKey is not 32 bytes')
  const keyId = keyIdOf(publicKey)
  const tell = async (): Promise<void> => {
    await bus.produce([signingKeyEvent({ of: 'import', bastion, keyId }, clock.now())])
  }
  return { keyId, signingKey: await agentKeys.seen(bastion, publicKey, tell, 'import') }
}
