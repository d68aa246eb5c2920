import type { AgentKeys } from '#services/access/agent-keys.ts'
import { isGood } from '#services/agents/certificate-list.ts'
import type { Enrolments } from '#services/agents/enrolments.ts'
import type { Heartbeats } from '#services/agents/heartbeats.ts'
import type { Orders } from '#services/agents/orders.ts'
import type { Bus } from '#services/bus/bus.ts'
import type { CatalogReader } from '#services/catalog/catalog.ts'
import type { Clock } from '#services/clock.ts'
import type { ErasedSessions } from '#services/erasure/erased-sessions.ts'
import type { Logger } from '#services/log.ts'
import type { HeartbeatAnswer } from '#services/schema/uplink.ts'
import { holderBehind } from './behind.ts'
import { createDurableSeqs } from './durable-seqs.ts'
import { createKeyRegister } from './register-key.ts'
import type { Identify } from './sender.ts'
import type { Beat } from './uplink-router.ts'

export type AnswerHeartbeatOptions = {
  bus: Pick<Bus, 'produce'>
  catalog: Pick<CatalogReader, 'durableSeqs'>
  agentKeys: Pick<AgentKeys, 'seen'>
  enrolments: Pick<Enrolments, 'behind' | 'verifyBehind'>
  heartbeats: Pick<Heartbeats, 'heard'>
  orders: Pick<Orders, 'wait' | 'take'>
  /** Absent: nothing is erased here. */
  erased?: Pick<ErasedSessions, 'ofBastion'>
  identify: Identify
  clock: Clock
  log: Logger
}

const maxBehind = 2_000
const maxErased = 1_000

/** What an agent is told, held back until there is an order for it or its time is over. */
export const createHeartbeatAnswers = (options: AnswerHeartbeatOptions) => {
  const { catalog, enrolments, heartbeats, orders, identify, clock, log } = options
  const durableSeqs = createDurableSeqs(catalog)
  const registerKey = createKeyRegister(options)

  /** A relay says who the agent is that beats: a revoked one behind it is as revoked as any other. */
  const checkBehind = async ({ request, sender, heartbeat: { bastion } }: Beat): Promise<void> => {
    if (sender.relay === null || bastion === sender.relay) return
    const { sha256 } = holderBehind(request, bastion)
    await enrolments.verifyBehind(sender.relay, bastion, sha256)
  }
  const behindOf = async (relay: string): Promise<HeartbeatAnswer['behind']> =>
    (await enrolments.behind(relay)).slice(0, maxBehind).map(({ bastion, certificates }) => ({
      bastion: bastion as NonNullable<HeartbeatAnswer['behind']>[number]['bastion'],
      certificates: certificates
        .filter((one) => isGood(one, clock.now()))
        .map(({ sha256, expiresAtMs }) => ({ sha256, expiresAtMs })),
    }))

  return async (beat: Beat): Promise<HeartbeatAnswer | null> => {
    const { request, sender, heartbeat, gone } = beat
    const receivedAtMs = clock.now()
    await checkBehind(beat)
    heartbeats.heard(heartbeat)
    const signingKey = await registerKey(heartbeat)
    await orders.wait(heartbeat.bastion, heartbeat.waitMs, gone)
    // Nobody reads it: the orders stay for the next heartbeat.
    if (gone.aborted) return null
    await identify(request) // revoked while it waited
    await checkBehind(beat)
    const evidence = await durableSeqs(heartbeat).catch((err: unknown) => {
      log.warn({ err }, 'what is evidence cannot be told: the catalog does not answer')
      return []
    })
    const taken = await orders.take(heartbeat)
    const erased = await options.erased?.ofBastion(heartbeat.bastion, maxErased).catch((err: unknown) => {
      log.warn({ err }, 'what was erased cannot be told: the state store does not answer')
      return []
    })
    const times = { receivedAtMs, answeredAtMs: clock.now() }
    const behind = sender.relay === heartbeat.bastion ? { behind: await behindOf(sender.relay) } : {}
    return { orders: taken, signingKey, evidence, clock: times, ...(erased?.length && { erased }), ...behind }
  }
}
