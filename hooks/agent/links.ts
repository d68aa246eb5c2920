import type { Identity } from '#services/access/identity.ts'
import type { Config } from '#services/config.ts'
import type { Logger } from '#services/log.ts'
import { version } from '#services/version.ts'
import type { Core } from './core.ts'
import { createHealth, type Health } from './health.ts'
import { startHeartbeat } from './uplink/heartbeat.ts'
import { createReceiverClient } from './uplink/receiver-client.ts'
import { startUplink, type Uplink } from './uplink/uplink.ts'

const maxHeldSessions = 10_000

/** Everything that speaks to the receiver. */
export type Links = { health: Health; uplink: Uplink; close(lastUploadMs: number): Promise<void> }

const heldSessions = ({ recorder, hold }: Core) => {
  const held = new Map([...hold.awaited, ...recorder.openSessions].map((session) => [session.sessionId, session]))
  return [...held.values()].slice(0, maxHeldSessions)
}

export const startLinks = (config: Config, log: Logger, identity: Identity, core: Core): Links => {
  const { spool, events, recorder, hold } = core
  const client = createReceiverClient(config)
  const health = createHealth({ events, spool, agent: identity.keyId, lagMs: () => uplink.lagMs, log })
  const uplink = startUplink({
    spool,
    client,
    maxUploadBytes: config.uplink.maxUploadBytes,
    log,
    onRejected: health.rejected,
    onDamage: health.damage,
  })
  const heartbeat = startHeartbeat({
    client,
    everyMs: config.agent.heartbeatMs,
    log,
    beat: () => ({
      bastion: config.bastion,
      version,
      keyId: identity.keyId,
      publicKey: Buffer.from(identity.publicKey).toString('base64'),
      openSessions: heldSessions(core),
      spool: { usedBytes: spool.usedBytes, maxBytes: spool.maxBytes },
    }),
    onOrder: ({ sessionId, text }) => void recorder.terminate(sessionId, text),
    onEvidence: (evidence) => {
      hold.learn(evidence)
      void spool.release()
    },
  })
  return {
    health,
    uplink,
    close: async (lastUploadMs) => {
      health.stop()
      await Promise.all([uplink.close(lastUploadMs), heartbeat.close()])
      client.close()
    },
  }
}
