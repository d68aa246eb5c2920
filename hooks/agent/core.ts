import { join } from 'node:path'
import type { Identity } from '#services/access/identity.ts'
import type { Config } from '#services/config.ts'
import type { Logger } from '#services/log.ts'
import { createEventChain, type EventChain } from './event-chain.ts'
import { createEvidenceHold, type EvidenceHold } from './evidence-hold.ts'
import { createMasker } from './masking/masker.ts'
import { type AgentRecorder, createRecorder } from './recorder.ts'
import { openSpool, type Spool } from './spool/spool.ts'
import { createSpooledState } from './spooled-state.ts'

/** Spool and recorder: all that stands between a source and a durable copy. */
export type Core = { spool: Spool; events: EventChain; recorder: AgentRecorder; hold: EvidenceHold }

/** `place`: the folder that holds the spool. @throws BTZ_DATA_UNWRITABLE BTZ_DISK_FULL */
export const startCore = async (
  config: Config,
  log: Logger,
  identity: Identity,
  place = join(config.data, 'agent'),
): Promise<Core> => {
  const { bastion, agent } = config
  // A spool that was removed must not make event numbers, and with them event ids, start again.
  const state = createSpooledState(identity.isNew ? 0 : Date.now(), log)
  const hold = createEvidenceHold()
  const spool = await openSpool({
    folder: join(place, 'spool'),
    config: agent.spool,
    log,
    onRecord: state.read,
    checkpoint: state.checkpoint,
    ...(agent.spool.keep === 'evidence' && { mayRelease: hold.mayRelease }),
  })
  const events = createEventChain({ spool, state, bastion, keyId: identity.keyId })
  const recorder = createRecorder({
    config,
    spool,
    state,
    events,
    signing: { privateKey: identity.privateKey, everyMs: agent.signHeadMs },
    createMasker: () => createMasker(agent.masking),
    log,
  })
  return { spool, events, recorder, hold }
}
