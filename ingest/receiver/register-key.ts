import type { AgentKeys } from '#services/access/agent-keys.ts'
import type { Bus } from '#services/bus/bus.ts'
import type { Clock } from '#services/clock.ts'
import type { Logger } from '#services/log.ts'
import { keyIdOf } from '#services/recordings/format/signed-head.ts'
import type { Heartbeat, HeartbeatAnswer } from '#services/schema/uplink.ts'
import { signingKeyEvent } from './signing-key-event.ts'

export type RegisterKeyOptions = {
  agentKeys: Pick<AgentKeys, 'seen'>
  bus: Pick<Bus, 'produce'>
  clock: Clock
  log: Logger
}

/**
 * Keeps the public key that the heartbeat of an agent, whose token was checked, names. A key that follows another is an
 * event: the agent's folder was lost, or someone else has its token. `unknown`: not kept now, and told in the log.
 */
export const createKeyRegister = ({ agentKeys, bus, clock, log }: RegisterKeyOptions) => {
  const announce = async (bastion: string, keyId: string, otherKeyIds: string[]): Promise<void> => {
    log.warn({ bastion, keyId, otherKeyIds }, 'the agent of a bastion signs with another key than before')
    await bus.produce([signingKeyEvent({ of: 'agent', bastion, keyId, otherKeyIds }, clock.now())])
  }
  return async ({ bastion, keyId, publicKey }: Heartbeat): Promise<HeartbeatAnswer['signingKey']> => {
    const key = Buffer.from(publicKey, 'base64')
    if (key.byteLength !== 32 || keyIdOf(key) !== keyId) return 'unknown'
    try {
      return await agentKeys.seen(bastion, key, (others) => announce(bastion, keyId, others))
    } catch (err) {
      log.warn({ err, bastion, keyId }, 'the signing key of an agent was not kept')
      return 'unknown'
    }
  }
}
