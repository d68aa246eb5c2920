import { join } from 'node:path'
import type { Router } from 'express'
import type { Registry } from 'prom-client'
import { createUplinkRouter } from '#ingest/receiver/uplink-router.ts'
import type { Bus } from '#services/bus/bus.ts'
import type { Clock } from '#services/clock.ts'
import type { Config } from '#services/config.ts'
import type { Logger } from '#services/log.ts'
import type { RelayStatus } from '#services/schema/agent-status.ts'
import { BastionName } from '#services/schema/ids.ts'
import type { HeartbeatAnswer } from '#services/schema/uplink.ts'
import { createReceiverCarrier } from '#services/uplink/receiver-carrier.ts'
import type { ReceiverClient } from '#services/uplink/receiver-client.ts'
import { startForwarding } from './forward.ts'
import { openKnownAgents } from './known-agents.ts'
import { createLink } from './link.ts'
import { createEnrolmentPass } from './pass-enrolment.ts'
import { createHeartbeatPass } from './pass-heartbeat.ts'
import { openRelaySpool } from './spool.ts'

const maxAgents = 2_000

export type RelayOptions = {
  /** The relay's own log, in `<folder>/bus`; closed by whoever opened it, after the relay. */
  bus: Bus
  folder: string
  /** Speaks to the receiver as this relay. */
  client: ReceiverClient
  config: Pick<Config, 'relay' | 'uplink'>
  clock: Clock
  log: Logger
  registry: Registry
}

export type Relay = {
  /** For the agents behind it: what a receiver answers. */
  router: Router
  /** How it is, but for its port. */
  status(): Promise<Omit<RelayStatus, 'port'>>
  /** What the receiver answered to the relay's own heartbeat. */
  learn(answer: HeartbeatAnswer): Promise<void>
  /** The agents behind it are not answered any more before that. What was not forwarded stays for the next start. */
  close(): Promise<void>
}

/**
 * A receiver for agents in a network that nobody reaches from outside: takes what they send into its own durable log,
 * and sends it on to the real one, whenever that can be reached.
 * @throws BTZ_KEY_INVALID BTZ_DATA_UNWRITABLE
 */
export const createRelay = async (options: RelayOptions): Promise<Relay> => {
  const { bus, folder, client, config, clock, log, registry } = options
  const spool = await openRelaySpool({ bus, folder: join(folder, 'bus'), maxBytes: config.relay.spoolBytes, log })
  const known = await openKnownAgents({ file: join(folder, 'agents.json'), clock })
  const link = createLink(client)
  const carrier = createReceiverCarrier(client)
  const { maxUploadBytes } = config.uplink
  const forwarder = await startForwarding({ bus, carrier, maxUploadBytes, clock, log })
  const router = createUplinkRouter({
    bus: spool,
    identify: known.identify,
    plainFrom: [],
    enrolment: createEnrolmentPass({ link, known }),
    answerHeartbeat: createHeartbeatPass({ link, known, clock }),
    importKey: null,
    recordings: null,
    receivedAtMs: () => null,
    log,
    registry,
  })
  const agentsHeard = (): RelayStatus['agents'] =>
    [...known.heardMs()].slice(0, maxAgents).map(([bastion, atMs]) => ({
      bastion: BastionName.parse(bastion),
      heardAt: new Date(atMs).toISOString(),
    }))
  return {
    router,
    status: async () => {
      const { records, oldestMs, deadLetters } = await forwarder.waiting()
      const { usedBytes, maxBytes } = spool
      return { usedBytes, maxBytes, waiting: records, oldestMs, deadLetters, agents: agentsHeard() }
    },
    learn: async ({ behind }) => {
      link.heard()
      if (behind) await known.learn(behind)
    },
    close: async () => {
      await forwarder.close()
      await spool.close()
    },
  }
}
