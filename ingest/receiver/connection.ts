import type { X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import { TLSSocket } from 'node:tls'
import type { Request, RequestHandler } from 'express'
import ipaddr from 'ipaddr.js'
import { BartizanError } from '#services/errors.ts'
import { uplinkProtocol } from '#services/schema/agent-status.ts'
import { protocolHeader } from '#services/schema/uplink-protocol.ts'

/** The certificate that the client proved to hold, signed by our authority; null: it showed none. @throws BTZ_AUTH_REQUIRED */
export const certificateOf = ({ socket }: Request): X509Certificate | null => {
  const certificate = socket instanceof TLSSocket ? socket.getPeerX509Certificate() : undefined
  if (!(socket instanceof TLSSocket) || certificate === undefined) return null
  if (socket.authorized) return certificate
  const hint = 'enrol this agent anew: `bartizan agents enrol-code --bastion NAME` on the server'
  const why = String(socket.authorizationError ?? 'unknown')
  throw new BartizanError('BTZ_AUTH_REQUIRED', `the certificate of the agent is not good: ${why}`, { hint })
}

const isWithin = (address: string, networks: readonly string[]): boolean => {
  if (isIP(address) === 0) return false
  const parsed = ipaddr.process(address) // an IPv4 address in IPv6 form as the former
  if (parsed.range() === 'loopback') return true
  return networks.some((network) => {
    const [base, bits] = ipaddr.parseCIDR(network)
    return base.kind() === parsed.kind() && parsed.match(base, bits)
  })
}

/** Tokens and recordings do not cross a network in clear. Loopback, and `networks` in CIDR form, are taken as they are. */
export const encryptedOrNear =
  (networks: readonly string[]): RequestHandler =>
  (request, _response, next) => {
    if (request.socket instanceof TLSSocket || isWithin(request.socket.remoteAddress ?? '', networks)) return next()
    throw new BartizanError('BTZ_FORBIDDEN', 'agents of other machines are taken over HTTPS only', {
      hint: 'set receiver.host, and enrol the agent; behind a TLS proxy name its network in receiver.plainFrom',
    })
  }

/** One release apart, either way, is taken; agents from before this header send none. */
export const knownProtocol: RequestHandler = (request, response, next) => {
  response.set(protocolHeader, String(uplinkProtocol))
  const said = request.get(protocolHeader) ?? '0'
  if (/^\d{1,4}$/.test(said) && Math.abs(Number(said) - uplinkProtocol) <= 1) return next()
  const text = `the agent speaks version ${said.slice(0, 8)} of the protocol, this receiver ${uplinkProtocol}`
  throw new BartizanError('BTZ_PROTOCOL_VERSION', text, { hint: 'bring both to the same release' })
}
