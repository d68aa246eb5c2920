import { join } from 'node:path'
import { Command, InvalidArgumentError } from 'commander'
import { replaceIdentity } from '#services/access/identity.ts'
import { createLogger } from '#services/log.ts'
import { type Enrolment, enrolAgent, rotateAgent } from './enrol-agent.ts'
import { configOf } from './settings.ts'

const restart = 'It signs with another key when it is started again; do that now.\n'

const receiverUrl = (text: string): URL => {
  const url = URL.canParse(text) ? new URL(text) : null
  if (url?.protocol === 'https:') return url
  throw new InvalidArgumentError('not an address that begins with https://')
}
const fingerprint = (text: string): string => {
  const digits = text.replaceAll(':', '').toLowerCase()
  if (/^[0-9a-f]{64}$/.test(digits)) return digits
  throw new InvalidArgumentError('not a SHA-256 of 64 hex digits')
}

export const enrolCommand = (): Command =>
  new Command('enrol')
    .description('Make this agent known to a receiver. `bartizan agents enrol-code` on the server prints the command.')
    .argument('<url>', 'where the receiver is: https://host:port', receiverUrl)
    .requiredOption('--code <code>', 'good once')
    .requiredOption('--ca-sha256 <hex>', "fingerprint of the receiver's certificate authority", fingerprint)
    .action(async (url: URL, options: Omit<Enrolment, 'url'>, command: Command) => {
      const config = configOf(command)
      const log = createLogger('enrol', config.log.level)
      const mustRestart = await enrolAgent(config, { url, ...options }, log)
      process.stdout.write(
        `This agent is enrolled as ${config.bastion} at ${url.origin}.\n${mustRestart ? restart : ''}`,
      )
    })

export const rotateCommand = (): Command =>
  new Command('rotate')
    .description('Exchange the key and certificate of this agent for others. The running agent takes them by itself.')
    .option('--signing-key', 'the key that signs recordings too, from the next start of the agent on')
    .action(async (options: { signingKey?: boolean }, command: Command) => {
      const config = configOf(command)
      await rotateAgent(config)
      if (options.signingKey) await replaceIdentity(join(config.data, 'agent'))
      process.stdout.write(`This agent has another key and certificate.\n${options.signingKey ? restart : ''}`)
    })
