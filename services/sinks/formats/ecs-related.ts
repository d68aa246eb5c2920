import { ipOf } from './item-facts.ts'
import type { Fields } from './json-line.ts'

type Text = string | null | undefined
const distinct = (texts: Text[]): string[] => [...new Set(texts.filter((text): text is string => !!text))]

/** `address` always, `ip` or `domain` by what it is: an index refuses a host name in a field of type ip. */
export const ecsEndpoint = (address: Text, port?: number | null): Fields => {
  const ip = ipOf(address)
  return { address, ip, domain: ip === null ? address : null, port }
}

/** Every address, user, host and hash of the document, to pivot on. */
export const ecsRelated = (of: { ips?: Text[]; users?: Text[]; hosts?: Text[]; hashes?: Text[] }): Fields => ({
  ip: distinct((of.ips ?? []).map(ipOf)),
  user: distinct(of.users ?? []),
  hosts: distinct([...(of.hosts ?? []), ...(of.ips ?? []).filter((ip) => ipOf(ip) === null)]),
  hash: distinct(of.hashes ?? []),
})
