import { isIPv6 } from 'node:net'
import type { ReceiverPlace } from '#services/agents/receiver-place.ts'
import { BartizanError } from '#services/errors.ts'
import type { NewCode } from '#services/schema/enrolment.ts'
import type { ViewerContext } from '../context.ts'

type Agents = Pick<ViewerContext['agents'], 'enrolments' | 'heartbeats' | 'receiver'>

/** By the first of its names, on the port it says to listen on. @throws BTZ_NOT_FOUND BTZ_UNAVAILABLE */
const urlOfRelay = async ({ enrolments, heartbeats }: Agents, relay: string): Promise<string> => {
  const enrolled = (await enrolments.list()).find(({ bastion }) => bastion === relay)
  const name = enrolled?.way.relayNames?.[0]
  if (name === undefined)
    throw new BartizanError('BTZ_NOT_FOUND', `no relay is enrolled as ${relay}`, {
      hint: '`bartizan agents enrol-code --bastion NAME --as-relay ADDRESS` makes a code for one',
    })
  const heard = (await heartbeats.list()).find(({ bastion }) => bastion === relay)
  const port = heard?.status?.relay?.port
  if (port === undefined)
    throw new BartizanError('BTZ_UNAVAILABLE', `the relay ${relay} was not heard yet`, {
      hint: 'start it: `bartizan relay`',
    })
  return `https://${isIPv6(name) ? `[${name}]` : name}:${port}`
}

/** Where the agent is to enrol: at the receiver, or at its relay, whom the same authority vouches for. @throws as above */
export const enrolmentPlace = async (agents: Agents, bastion: string, { relay }: NewCode): Promise<ReceiverPlace> => {
  if (relay === bastion) throw new BartizanError('BTZ_REQUEST_INVALID', `${relay} cannot be enrolled through itself`)
  const place = await agents.receiver()
  if (!place)
    throw new BartizanError('BTZ_UNAVAILABLE', 'no receiver takes agents of other machines', {
      hint: 'set receiver.host (BARTIZAN_RECEIVER_HOST) and start the receiver again',
    })
  return relay === undefined ? place : { ...place, url: await urlOfRelay(agents, relay) }
}
