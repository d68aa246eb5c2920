import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'
import { SinkUnavailable } from './sink.ts'

/** Only what the whole internet reaches: not loopback, private, link-local (metadata services), multicast, NAT64, … */
export const isPublic = (address: string): boolean =>
  ipaddr.isValid(address) && ipaddr.process(address).range() === 'unicast'

export type Resolved = { address: string; family: 4 | 6 }

/** The destination's address must not be used: it stays so until somebody changes name or settings. */
export class PrivateAddress extends Error {
  constructor(host: string) {
    super(`${host} is an address inside of this network; allowPrivate lets it be used`)
    this.name = 'PrivateAddress'
  }
}

/**
 * The one address to connect to. It is looked up once: a name that answers otherwise the second time (DNS rebinding) gains
 * nothing. @throws PrivateAddress SinkUnavailable
 */
export const resolvePublic = async (host: string, allowPrivate: boolean): Promise<Resolved> => {
  const bare = host.replace(/^\[|\]$/g, '')
  const found = await (isIP(bare)
    ? [{ address: bare, family: isIP(bare) }]
    : lookup(bare, { all: true }).catch((cause: unknown) => {
        throw new SinkUnavailable(`${bare} cannot be looked up`, null, cause)
      }))
  const usable = allowPrivate ? found : found.filter(({ address }) => isPublic(address))
  const [first] = usable
  if (first === undefined) throw new PrivateAddress(bare)
  return { address: first.address, family: first.family === 6 ? 6 : 4 }
}
