import type { Beat } from '#ingest/receiver/uplink-router.ts'
import type { Clock } from '#services/clock.ts'
import { HeartbeatAnswer } from '#services/schema/uplink.ts'
import { behindHeader } from '#services/schema/uplink-protocol.ts'
import { holderOf, type KnownAgents } from './known-agents.ts'
import type { Link } from './link.ts'

const marginMs = 4_000 // well below the agent's own limit

/**
 * A heartbeat goes on to the receiver, so that orders come back within its answer. While there is no way, it is answered
 * here: no orders, and no word on what is evidence, so that an agent which waits for evidence keeps what it has.
 */
export const createHeartbeatPass = ({ link, known, clock }: { link: Link; known: KnownAgents; clock: Clock }) => {
  const pass = async ({ request, heartbeat, gone }: Beat): Promise<HeartbeatAnswer | null> => {
    const { bastion, sha256 } = holderOf(request)
    const answer = await link.ask({
      method: 'PUT',
      path: '/api/agents/heartbeat',
      headers: { [behindHeader]: `${bastion} ${sha256}` },
      contentType: 'application/json',
      body: Buffer.from(JSON.stringify(heartbeat)),
      timeoutMs: heartbeat.waitMs + marginMs,
      signal: gone,
    })
    const parsed = answer?.status === 200 ? HeartbeatAnswer.safeParse(answer.body).data : undefined
    return parsed ?? null
  }
  return async (beat: Beat): Promise<HeartbeatAnswer | null> => {
    const receivedAtMs = clock.now()
    known.heard(beat.heartbeat.bastion)
    const passed = link.isUp ? await pass(beat) : null
    if (passed || beat.gone.aborted) return passed
    const times = { receivedAtMs, answeredAtMs: clock.now() }
    return { orders: [], signingKey: 'unknown', evidence: [], clock: times }
  }
}
