import type { Identity } from '#services/access/identity.ts'
import type { Bus } from '#services/bus/bus.ts'
import type { Config } from '#services/config.ts'
import type { Logger } from '#services/log.ts'
import type { HeartbeatAnswer } from '#services/schema/uplink.ts'
import { createReceiverCarrier } from '#services/uplink/receiver-carrier.ts'
import { createReceiverClient } from '#services/uplink/receiver-client.ts'
import { version } from '#services/version.ts'
import { type Alongside, withRelay } from './alongside.ts'
import type { Core } from './core.ts'
import { createErased } from './erased.ts'
import { createHealth, type Health } from './health.ts'
import { createHookWatch, type HookWatch } from './hook-watch.ts'
import { limitsOf } from './spool/limits.ts'
import { createSpoolAge } from './spool-age.ts'
import { statusOf } from './status.ts'
import { createBusCarrier } from './uplink/bus-carrier.ts'
import { startHeartbeat } from './uplink/heartbeat.ts'
import { startUplink, type Uplink } from './uplink/uplink.ts'

const maxHeldSessions = 10_000

/** The bus, where the agent may write to it by itself; null: what it records goes through the receiver. */
export type OwnBus = Pick<Bus, 'produce'> | null

/** Everything that speaks to the receiver, and to the bus. */
export type Links = {
  health: Health
  hooks: HookWatch
  uplink: Uplink
  /** Sends on what another spool holds. */
  uplinkOf(from: Pick<Core, 'spool'>): Uplink
  close(lastUploadMs: number): Promise<void>
}

const heldSessions = ({ recorder, hold }: Core) => {
  const held = new Map([...hold.awaited, ...recorder.openSessions].map((session) => [session.sessionId, session]))
  return [...held.values()].slice(0, maxHeldSessions)
}

/** What the receiver last knew of the key that this agent signs with. */
const createKeyStanding = ({ keyId }: Identity, log: Logger) => {
  let standing: HeartbeatAnswer['signingKey'] = 'unknown'
  return {
    isGood: (): boolean => standing === 'registered',
    learn: (told: HeartbeatAnswer['signingKey']): void => {
      if (told === 'unknown') return
      if (told === 'revoked' && standing !== told) log.error({ keyId }, 'the signing key of this agent was revoked')
      standing = told
    },
  }
}

/** `waitingMs`: since when the spool holds what the receiver does not have, by what stood there at the start. */
export const startLinks = (
  config: Config,
  log: Logger,
  identity: Identity,
  core: Core,
  bus: OwnBus,
  waitingMs: number | null = null,
  alongside: Alongside | null = null,
): Links => {
  const { spool, events, recorder, hold } = core
  const { bastion } = config
  const client = createReceiverClient(config)
  const key = createKeyStanding(identity, log)
  const signer = { ...identity, kind: 'agent' as const, bastion }
  const hooks = createHookWatch(Date.now)
  const erased = createErased(spool, log)
  let offsetMs: number | null = null
  const status = () => withRelay(statusOf(statusParts), alongside?.status() ?? null)
  const statusParts = {
    recorder,
    spool,
    capacityBytes: limitsOf(config.agent.spool).capacityBytes,
    age: createSpoolAge(spool, Date.now, waitingMs ?? Date.now()),
    hooks,
    clockOffsetMs: () => offsetMs,
  }
  const health = createHealth({ events, spool, agent: identity.keyId, lagMs: () => uplink.lagMs, status, log })
  const uplinkOf = (from: Pick<Core, 'spool'>): Uplink =>
    startUplink({
      spool: from.spool,
      carrier: bus === null ? createReceiverCarrier(client) : createBusCarrier({ bus, signer, isKeyGood: key.isGood }),
      maxUploadBytes: config.uplink.maxUploadBytes,
      log,
      onRejected: health.rejected,
      onDamage: health.damage,
    })
  const uplink = uplinkOf(core)
  const heartbeat = startHeartbeat({
    client,
    everyMs: config.agent.heartbeatMs,
    log,
    beat: () => ({
      bastion,
      version,
      keyId: identity.keyId,
      publicKey: Buffer.from(identity.publicKey).toString('base64'),
      openSessions: heldSessions(core),
      spool: { usedBytes: spool.usedBytes, maxBytes: spool.maxBytes },
      status: { ...status(), relay: alongside?.status() ?? undefined },
    }),
    onClockOffset: (measuredMs) => {
      offsetMs = measuredMs
      health.look()
    },
    onOrder: ({ sessionId, text }) => void recorder.terminate(sessionId, text),
    onSigningKey: key.learn,
    onAnswer: (answer) => {
      alongside?.onAnswer(answer)
      void erased.learn(answer)
    },
    onEvidence: (evidence) => {
      hold.learn(evidence)
      void spool.release()
    },
  })
  return {
    health,
    hooks,
    uplink,
    uplinkOf,
    close: async (lastUploadMs) => {
      health.stop()
      await Promise.all([uplink.close(lastUploadMs), heartbeat.close()])
      client.close()
    },
  }
}
