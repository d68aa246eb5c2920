import { X509Certificate } from 'node:crypto'
import { join } from 'node:path'
import { Command } from 'commander'
import { startAgent } from '#hooks/agent/agent.ts'
import { serveTls } from '#ingest/receiver/serve-tls.ts'
import { readDeadLetters, resendDeadLetters } from '#ingest/relay/dead-letters.ts'
import { createRelay, type Relay } from '#ingest/relay/relay.ts'
import { type AgentCredentials, readCredentials } from '#services/agents/credentials.ts'
import { openRelayBus } from '#services/backends.ts'
import { systemClock } from '#services/clock.ts'
import type { Config } from '#services/config.ts'
import { BartizanError } from '#services/errors.ts'
import { acquireLock } from '#services/lock/sqlite-lock.ts'
import { createLogger, type Logger } from '#services/log.ts'
import { makeFolder } from '#services/make-folder.ts'
import { relayOf } from '#services/pki/agent-name.ts'
import type { RelayStatus } from '#services/schema/agent-status.ts'
import type { HeartbeatAnswer } from '#services/schema/uplink.ts'
import { createReceiverClient } from '#services/uplink/receiver-client.ts'
import { printable } from './printable.ts'
import { nextSignal, prepareFolder } from './process.ts'
import { keepCertificate } from './renew-certificate.ts'
import { configOf } from './settings.ts'
import { createRegistry } from './stages/stage.ts'

const certificateEveryMs = 60_000
const statusEveryMs = 2_000

/** What it was enrolled with: to the receiver its certificate, to the agents behind it the server's. @throws BTZ_NOT_FOUND */
const credentialsOf = async ({ data, uplink }: Config): Promise<AgentCredentials> => {
  const credentials = uplink.url === undefined ? await readCredentials(data) : null
  if (credentials && relayOf(new X509Certificate(credentials.certificate)) !== null) return credentials
  throw new BartizanError('BTZ_NOT_FOUND', `${data} does not hold the credentials of a relay`, {
    hint: '`bartizan agents enrol-code --bastion NAME --as-relay ADDRESS` on the server prints the command that enrols it; uplink.url is to be unset',
  })
}

const serveInside = async (config: Config, relay: Relay, log: Logger) => {
  const { ca, certificate: first } = await credentialsOf(config)
  let served = first
  return serveTls({
    ...{ config: config.relay, what: 'the relay', setting: 'BARTIZAN_RELAY_PORT', router: relay.router, log, ca },
    certificate: async () => {
      const { key, certificate } = await credentialsOf(config)
      const isNew = certificate !== served
      served = certificate
      return { key, certificate, isNew }
    },
    certificateEveryMs,
  })
}

/** Its status as it was a moment ago: heartbeats do not wait for the disk. */
const keepStatus = (relay: Relay, port: number, log: Logger) => {
  let last: RelayStatus | null = null
  let running: Promise<void> | null = null
  const look = async (): Promise<void> => {
    try {
      last = { ...(await relay.status()), port }
    } catch (err) {
      log.warn({ err }, 'how the relay is cannot be told')
    }
  }
  const lookOnce = (): Promise<void> => {
    running ??= look().finally(() => {
      running = null
    })
    return running
  }
  const timer = setInterval(lookOnce, statusEveryMs)
  return {
    first: lookOnce(),
    last: () => last,
    stop: async () => {
      clearInterval(timer)
      await running
    },
  }
}

const lockedFolder = async ({ data }: Config) => {
  await prepareFolder(data)
  const folder = join(data, 'relay')
  await makeFolder(folder)
  return { folder, lock: await acquireLock(join(folder, 'lock.db'), { pid: process.pid, what: 'bartizan relay' }) }
}

const run = async (config: Config, log: Logger): Promise<void> => {
  await credentialsOf(config)
  const { folder, lock } = await lockedFolder(config)
  const stopped = nextSignal()
  const clock = systemClock
  const bus = await openRelayBus(join(folder, 'bus'), config, clock, log)
  const client = createReceiverClient(config)
  const relay = await createRelay({ bus, folder, client, config, clock, log, registry: createRegistry() })
  const inside = await serveInside(config, relay, log)
  const status = keepStatus(relay, inside.port, log)
  await status.first
  const exit = (code: number): void => {
    if (code !== 0) process.exit(code) // nothing can be made durable any more; after a drain the relay ends by itself
  }
  const onAnswer = (answer: HeartbeatAnswer): void => {
    relay.learn(answer).catch((err: unknown) => log.error({ err }, 'who may come here could not be kept'))
  }
  const agent = await startAgent({
    config,
    log,
    bus: null,
    alongside: { status: status.last, onAnswer },
    exit,
  })
  keepCertificate(config, log)
  process.stdout.write(`relay is ready: agents are taken on port ${inside.port}\n`)
  process.stdout.write(`${await stopped}: stopping. What was not forwarded is kept\n`)
  await agent.stop()
  inside.close()
  await status.stop()
  await relay.close()
  await bus.close()
  client.close()
  await lock.release()
  process.exit(0)
}

const deadLetters = (): Command =>
  new Command('dead-letters')
    .description('What the receiver refused for good, with the reason. The relay has to be stopped.')
    .option('--resend', 'put all of it behind what waits for the receiver, once the reason is mended')
    .addHelpText('after', '\nExample: bartizan relay dead-letters --resend')
    .action(async ({ resend = false }: { resend?: boolean }, command: Command) => {
      const config = configOf(command)
      const { folder, lock } = await lockedFolder(config)
      const bus = await openRelayBus(join(folder, 'bus'), config, systemClock, createLogger('relay', config.log.level))
      if (resend) process.stdout.write(`${await resendDeadLetters(bus)} records are sent again when the relay runs\n`)
      else
        await readDeadLetters(bus, ({ topic, key, value, reason }) => {
          process.stdout.write(`${printable(`${topic} ${key} ${value.byteLength} bytes: ${reason}`)}\n`)
        })
      await bus.close()
      await lock.release()
    })

export const relayCommand = (): Command =>
  new Command('relay')
    .addCommand(deadLetters())
    .description(
      'Take agents of a network that nobody reaches from outside, and send on what they send, dialling out only.',
    )
    .addHelpText(
      'after',
      `
The machine is a bastion too: an agent runs in the same process, with its heartbeat and posture.
Examples:
  bartizan agents enrol-code --bastion relay-1 --as-relay 10.1.0.2     on the server; prints the next line
  bartizan agent enrol https://bartizan.example.net:8443 --code … --ca-sha256 …
  bartizan relay
  bartizan agents enrol-code --bastion b1 --relay relay-1              on the server, for each agent behind it`,
    )
    .action((_options: object, command: Command) => {
      const config = configOf(command)
      return run(config, createLogger('relay', config.log.level))
    })
