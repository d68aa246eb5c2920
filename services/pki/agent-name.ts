import type { X509Certificate } from 'node:crypto'
import { BastionName } from '../schema/ids.ts'

/** In the alternative name, since a common name ends at 64 characters (RFC 5280, appendix A.1) and a host name does not. */
const prefix = 'URI:bartizan:agent:'

export const agentNameExtension = (bastion: string): string => `subjectAltName=${prefix}${BastionName.parse(bastion)}`

/** The bastion whose agent holds the certificate; null: it is not one of an agent. Says nothing about who issued it. */
export const bastionOf = ({ subjectAltName }: X509Certificate): string | null =>
  subjectAltName?.startsWith(prefix) ? (BastionName.safeParse(subjectAltName.slice(prefix.length)).data ?? null) : null
