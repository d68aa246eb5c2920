import { X509Certificate } from 'node:crypto'
import { readCredentials } from '#services/agents/credentials.ts'
import type { Config } from '#services/config.ts'
import type { Logger } from '#services/log.ts'
import { rotateAgent } from './enrol-agent.ts'

const lookEveryMs = 6 * 3_600_000

/** From two thirds of its time on: months are left for a receiver that is away. */
export const isDue = (certificate: X509Certificate, nowMs: number): boolean => {
  const [fromMs, toMs] = [certificate.validFromDate.getTime(), certificate.validToDate.getTime()]
  return nowMs >= fromMs + ((toMs - fromMs) * 2) / 3
}

const renewIfDue = async (config: Config, log: Logger): Promise<void> => {
  const credentials = await readCredentials(config.data)
  if (!credentials || !isDue(new X509Certificate(credentials.certificate), Date.now())) return
  await rotateAgent(config)
  log.info('the agent has another key and certificate')
}

/** Keeps the certificate of an enrolled agent from expiring, as long as this process runs. */
export const keepCertificate = (config: Config, log: Logger): void => {
  const look = (): void => {
    renewIfDue(config, log).catch((err: unknown) => log.warn({ err }, 'the certificate of the agent was not renewed'))
  }
  setInterval(look, lookEveryMs).unref()
  look()
}
