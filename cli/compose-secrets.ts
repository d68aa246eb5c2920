import { pbkdf2Sync, randomBytes } from 'node:crypto'

type Users = Record<string, string>

const newSecret = (): string => randomBytes(32).toString('hex')
const secretsFor = (users: string[]): Users => Object.fromEntries(users.map((user) => [user, newSecret()]))

/** One argument a line, for `kafka-storage.sh format @file`: so no password stands in a list of processes. */
const kafkaUsers = (users: Users): string =>
  Object.entries(users)
    .map(([name, password]) => `--add-scram=SCRAM-SHA-512=[name=${name},password=${password}]\n`)
    .join('')

// Elasticsearch reads PBKDF2 with HMAC-SHA-512, salt and hash of 32 bytes (its Hasher.java). The cost matters little:
// nobody guesses 256 random bits.
const elasticsearchHash = (password: string): string => {
  const cost = 10_000
  const salt = randomBytes(32)
  const hash = pbkdf2Sync(password, salt, cost, 32, 'sha512')
  return `{PBKDF2}${cost}$${salt.toString('base64')}$${hash.toString('base64')}`
}

/** `config/users` of Elasticsearch's file realm. */
const elasticsearchUsers = (users: Users): string =>
  Object.entries(users)
    .map(([name, password]) => `${name}:${elasticsearchHash(password)}\n`)
    .join('')

/** `users.json` of versitygw's internal accounts (its auth/iam_internal.go). */
const s3Users = (users: Users): string => {
  const accounts = Object.entries(users).map(([access, secret]) => [access, { access, secret, role: 'user' }])
  return `${JSON.stringify({ accessAccounts: Object.fromEntries(accounts) })}\n`
}

const passwordFiles = (engine: string, users: Users): [string, string][] =>
  Object.entries(users).map(([user, secret]) => [`${engine}-${user}`, secret])

/** Name of each secret of docker-compose.yml → content. Each role has users of its own, each engine one that may all. */
export const composeSecrets = (): Record<string, string> => {
  const roles = ['receiver', 'ingest', 'detectors', 'delivery', 'viewer', 'custodian']
  const kafka = secretsFor(['admin', ...roles])
  const elasticsearch = secretsFor(['admin', ...roles])
  const s3 = secretsFor(['ingest', 'viewer', 'custodian'])
  return Object.fromEntries([
    ...passwordFiles('kafka', kafka),
    ['kafka-users', kafkaUsers(kafka)],
    ...passwordFiles('elasticsearch', elasticsearch),
    ['elasticsearch-users', elasticsearchUsers(elasticsearch)],
    ...passwordFiles('s3', { admin: newSecret(), ...s3 }),
    ['s3-users', s3Users(s3)],
  ])
}
