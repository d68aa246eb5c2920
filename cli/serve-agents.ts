import { isIPv6 } from 'node:net'
import { hostname } from 'node:os'
import { join } from 'node:path'
import type { Router } from 'express'
import { serveTls } from '#ingest/receiver/serve-tls.ts'
import { tellReceiverPlace } from '#services/agents/receiver-place.ts'
import type { ReceiverBackends } from '#services/backends.ts'
import type { Config } from '#services/config.ts'
import { type Authority, openAuthority } from '#services/pki/authority.ts'
import { keepServerCertificate } from '#services/pki/server-certificate.ts'
import type { Closing, StageOptions } from './stages/stage.ts'

const certificateEveryMs = 12 * 3_600_000
const wildcards = ['0.0.0.0', '::']

/** The authority of agents, where they are received from other machines; made at the first start. */
export const authorityOf = async ({ receiver, keysFolder, data }: Config): Promise<Authority | null> =>
  receiver.host === undefined ? null : openAuthority(join(keysFolder ?? join(data, 'keys'), 'pki'))

const namesOf = ({ names, host }: Config['receiver'] & { host: string }): string[] => {
  const all = wildcards.includes(host) ? names : [...names, host]
  return all.length > 0 ? [...new Set(all)] : [hostname()]
}

/** The receiver over HTTPS, for agents of other machines; and where it is, for whoever enrols them. */
export const serveAgents = async (
  options: StageOptions<ReceiverBackends>,
  authority: Authority | null,
  router: Router,
): Promise<Closing> => {
  const { receiver } = options.config
  const { host } = receiver
  if (host === undefined || authority === null) return { close: async () => {} }
  const log = options.log.child({ stage: 'receiver' })
  const names = namesOf({ ...receiver, host })
  const { clock } = options
  const served = await serveTls({
    ...{ config: { ...receiver, host }, what: 'the receiver', setting: 'BARTIZAN_RECEIVER_PORT', router, log },
    ca: authority.certificate,
    certificate: () => keepServerCertificate({ authority, names, clock }),
    certificateEveryMs,
  })
  const name = names[0]!
  const url = `https://${isIPv6(name) ? `[${name}]` : name}:${served.port}`
  await tellReceiverPlace(options.backends.state, { url, caSha256: authority.sha256 })
  log.info({ url }, 'agents of other machines are received')
  return { close: async () => served.close() }
}
