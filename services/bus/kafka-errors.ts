import { BartizanError, type ErrorCode } from '../errors.ts'

/** What the library throws: `type` is the protocol's name of a broker's answer, `cause` what it gave up on. */
type Thrown = Error & { type?: string; cause?: unknown; originalError?: unknown; errors?: unknown[] }

const chainOf = (error: unknown): Thrown[] => {
  const chain: Thrown[] = []
  for (let next: unknown = error; next instanceof Error && chain.length < 10; ) {
    const thrown: Thrown = next
    chain.push(thrown)
    next = thrown.cause ?? thrown.originalError ?? thrown.errors?.[0]
  }
  return chain
}

/** The broker's answer that is behind an error, by its name in the protocol; null when it is none. */
export const answerOf = (error: unknown): string | null => chainOf(error).find(({ type }) => type)?.type ?? null

const isRefusedLogin = (error: unknown): boolean =>
  chainOf(error).some(({ name }) => name === 'KafkaJSSASLAuthenticationError')

type Meaning = { code: ErrorCode; hint: string }

const forbidden: Meaning = {
  code: 'BTZ_FORBIDDEN',
  hint: "this process's Kafka user lacks an ACL: docs/operations/kafka.md lists them by role",
}
const tooLarge: Meaning = {
  code: 'BTZ_BUS_RECORD_TOO_LARGE',
  hint: "raise the topic's max.message.bytes: `bartizan doctor` says to what",
}
const meanings = new Map<string, Meaning>([
  ['TOPIC_AUTHORIZATION_FAILED', forbidden],
  ['GROUP_AUTHORIZATION_FAILED', forbidden],
  ['CLUSTER_AUTHORIZATION_FAILED', forbidden],
  ['MESSAGE_TOO_LARGE', tooLarge],
  ['RECORD_LIST_TOO_LARGE', tooLarge],
  [
    'UNKNOWN_TOPIC_OR_PARTITION',
    { code: 'BTZ_BUS_UNKNOWN_TOPIC', hint: 'the topics are made by the set-up: see docs/operations/kafka.md' },
  ],
  [
    'SASL_AUTHENTICATION_FAILED',
    { code: 'BTZ_AUTH_REQUIRED', hint: 'check kafka.username and the password in kafka.passwordFile' },
  ],
])
const refusedLogin: Meaning = meanings.get('SASL_AUTHENTICATION_FAILED')!
const away: Meaning = { code: 'BTZ_UNAVAILABLE', hint: 'are the brokers up and reachable? Try again later' }

/** `doing` names what failed: "writing to session-events/3". */
export const busError = (error: unknown, doing: string): BartizanError => {
  if (error instanceof BartizanError) return error
  const answer = answerOf(error)
  const { code, hint } = isRefusedLogin(error) ? refusedLogin : (meanings.get(answer ?? '') ?? away)
  const reason = answer ?? (error instanceof Error ? error.message : String(error))
  return new BartizanError(code, `Kafka: ${doing} failed: ${reason}`, { hint, cause: error })
}

/** Runs `act`, its failure told as the bus's. */
export const asBusErrors = async <T>(doing: string, act: () => Promise<T>): Promise<T> => {
  try {
    return await act()
  } catch (error) {
    throw busError(error, doing)
  }
}
