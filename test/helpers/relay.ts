import { X509Certificate } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Registry } from 'prom-client'
import { startHeartbeat } from '#hooks/agent/uplink/heartbeat.ts'
import { serveTls } from '#ingest/receiver/serve-tls.ts'
import { createRelay } from '#ingest/relay/relay.ts'
import { readCredentials, writeCredentials } from '#services/agents/credentials.ts'
import { openRelayBus } from '#services/backends.ts'
import { type Clock, systemClock } from '#services/clock.ts'
import { Config } from '#services/config.ts'
import { createLogger } from '#services/log.ts'
import { createReceiverClient } from '#services/uplink/receiver-client.ts'
import { cuttableLink } from './cuttable-link.ts'
import { type Teardown, temporaryFolder } from './temporary-folder.ts'
import { newAgentKey, type serveTlsReceiver } from './tls-receiver.ts'

export const relayName = 'relay-1'

export type RelayPlace = { data: string; clock?: Clock; relay?: object; segmentBytes?: number; everyMs?: number }

const log = createLogger('relay-test', 'silent')
const configOf = ({ data, relay = {}, segmentBytes = 1024 * 1024 }: RelayPlace) =>
  Config.parse({ data, bastion: relayName, relay, bus: { segmentBytes } })

/** What it has for the receiver, while it does not run. */
export const openSpool = async (place: RelayPlace) => {
  const folder = join(place.data, 'relay')
  await mkdir(folder, { recursive: true })
  return openRelayBus(join(folder, 'bus'), configOf(place), place.clock ?? systemClock, log)
}

/** A relay on its credentials: what `bartizan relay` runs, but for the agent beside it. */
export const startRelay = async (place: RelayPlace) => {
  const { data, clock = systemClock, everyMs = 100 } = place
  const config = configOf(place)
  const folder = join(data, 'relay')
  const bus = await openSpool(place)
  const client = createReceiverClient(config)
  const relay = await createRelay({ bus, folder, client, config, clock, log, registry: new Registry() })
  const { ca, key, certificate } = (await readCredentials(data))!
  const served = await serveTls({
    ...{ config: { host: '127.0.0.1', port: 0 }, what: 'the relay', setting: 'none', router: relay.router, log, ca },
    certificate: async () => ({ key, certificate, isNew: false }),
    certificateEveryMs: 3_600_000,
  })
  let answers = 0
  const heartbeat = startHeartbeat({
    client,
    everyMs,
    log,
    beat: () => ({
      ...{ bastion: relayName, version: '1', keyId: 'k', publicKey: 'p' },
      ...{ openSessions: [], spool: { usedBytes: 0, maxBytes: 1 } },
    }),
    onOrder: () => {},
    onSigningKey: () => {},
    onEvidence: () => {},
    onAnswer: (answer) => {
      void relay.learn(answer).then(() => {
        answers++
      })
    },
  })
  return {
    bus,
    relay,
    url: `https://localhost:${served.port}`,
    /** How often the receiver answered its heartbeat. */
    answers: () => answers,
    stop: async () => {
      await heartbeat.close()
      served.close()
      await relay.close()
      await bus.close()
      client.close()
    },
  }
}

/** The credentials of a relay that is enrolled at this receiver, on the way `link`. */
export const enrolRelay = async (
  t: Teardown,
  { authority, enrolments, url, ca }: Awaited<ReturnType<typeof serveTlsReceiver>>,
) => {
  const link = await cuttableLink(t, Number(new URL(url).port))
  const data = await temporaryFolder(t)
  await mkdir(join(data, 'agent'))
  const enrolAgain = async () => {
    const { key, publicKey } = newAgentKey()
    const certificate = await authority.issueForRelay(relayName, publicKey, ['localhost'], 90)
    const way = { via: null, relayNames: ['localhost'] }
    await enrolments.add(relayName, new X509Certificate(certificate), await enrolments.revocations(relayName), way)
    const base = `https://localhost:${link.port}`
    await writeCredentials(data, { url: base, bastion: relayName as never, ca, key, certificate })
    return { ca, key, cert: certificate }
  }
  const tls = await enrolAgain()
  const enrolBehind = async (bastion: string) => {
    const agent = newAgentKey()
    const cert = await authority.issueForAgent(bastion, agent.publicKey, 30)
    const behind = { via: relayName as never, relayNames: null }
    await enrolments.add(bastion, new X509Certificate(cert), await enrolments.revocations(bastion), behind)
    return { ca, key: agent.key, cert }
  }
  return { data, link, tls, enrolBehind, enrolAgain }
}
