import type { X509Certificate } from 'node:crypto'
import { BastionName } from '../schema/ids.ts'
import { alternativeNames } from './server-names.ts'

/** In the alternative name, since a common name ends at 64 characters (RFC 5280, appendix A.1) and a host name does not. */
const prefixes = { agent: 'URI:bartizan:agent:', relay: 'URI:bartizan:relay:' } as const

export const agentNameExtension = (bastion: string): string =>
  `subjectAltName=${prefixes.agent}${BastionName.parse(bastion)}`

/** A relay is a server too, for the agents behind it: by these names and addresses. */
export const relayNameExtension = (relay: string, names: readonly string[]): string =>
  `subjectAltName=${[`${prefixes.relay}${BastionName.parse(relay)}`, ...alternativeNames(names)].join(',')}`

/** A name ends where the next one begins: a BastionName has no comma. */
const nameAfter = (prefix: string, { subjectAltName }: X509Certificate): string | null => {
  const [first = ''] = subjectAltName?.split(', ', 1) ?? []
  return first.startsWith(prefix) ? (BastionName.safeParse(first.slice(prefix.length)).data ?? null) : null
}

/** The relay that holds the certificate; null: it is not one of a relay. Says nothing about who issued it. */
export const relayOf = (certificate: X509Certificate): string | null => nameAfter(prefixes.relay, certificate)

/** The bastion, or relay, whose agent holds the certificate; null: it is of neither. Says nothing about who issued it. */
export const bastionOf = (certificate: X509Certificate): string | null =>
  nameAfter(prefixes.agent, certificate) ?? relayOf(certificate)
