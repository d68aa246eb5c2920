import { hash } from 'node:crypto'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { seededRandom } from '#test/helpers/seeded-random.ts'

/** The same facts, as our event and as the ECS document that the peer carries: about 520 bytes each. */
export type EventFiles = { ours: string; ecs: string }

const programs = [
  '/usr/bin/systemctl restart nginx.service',
  '/usr/bin/tail -n 200 /var/log/postgresql/postgresql-15-main.log',
  '/bin/cat /etc/shadow',
  '/usr/bin/apt-get install -y tcpdump',
  '/usr/bin/vim /etc/ssh/sshd_config',
  '/usr/sbin/iptables -L -n -v',
  '/usr/bin/docker exec -it api bash',
  '/usr/bin/journalctl -u kubelet --since today',
  '/usr/bin/rsync -a /srv/www/ backup:/srv/www/',
  '/usr/bin/kubectl get pods -A -o wide',
]
const users = Array.from({ length: 50 }, (_, n) => `user-${n}`)
const bastions = 32
const spanMs = 2 * 3_600_000

type Random = () => number
const below = (random: Random, limit: number): number => Math.floor(random() * limit)
const hex = (random: Random, digits: number): string =>
  Array.from({ length: digits }, () => below(random, 16).toString(16)).join('')

const sequenceDigits = 8
/** Spread as the ids of the product are, and still telling its sequence number. */
const idOf = (sequence: number): string =>
  hash('sha256', `event ${sequence}`).slice(0, 24) + sequence.toString(16).padStart(sequenceDigits, '0')
export const sequenceOfId = (id: string): number => Number.parseInt(id.slice(-sequenceDigits), 16)

const factOf = (random: Random, sequence: number, count: number, endMs: number) => {
  const line = `${programs[below(random, programs.length)]} --request-id ${hex(random, 12)}`
  return {
    id: idOf(sequence),
    sequence,
    at: new Date(endMs - spanMs + Math.floor((sequence / count) * spanMs)).toISOString(),
    bastion: `bastion-${below(random, bastions)}.prod.example`,
    user: users[below(random, users.length)]!,
    outcome: random() < 0.5 ? 'success' : 'failure',
    line,
    argv: line.split(' '),
    pid: 1000 + below(random, 90_000),
    ip: `10.${below(random, 4)}.${below(random, 256)}.${1 + below(random, 254)}`,
    port: 1024 + below(random, 60_000),
    sessionId: `${hex(random, 8)}-${hex(random, 4)}-7${hex(random, 3)}-8${hex(random, 3)}-${hex(random, 12)}`,
  }
}
type Fact = ReturnType<typeof factOf>

const ourEvent = (fact: Fact) => ({
  id: fact.id,
  at: fact.at,
  kind: 'command',
  source: 'sudo',
  bastion: fact.bastion,
  user: fact.user,
  sourceIp: fact.ip,
  sourcePort: fact.port,
  sessionId: fact.sessionId,
  outcome: fact.outcome,
  agentSeq: fact.sequence,
  argv: fact.argv,
  line: fact.line,
  runAs: 'root',
  exitCode: fact.outcome === 'success' ? 0 : 1,
  via: 'exec',
  atMs: fact.pid,
})

const ecsEvent = (fact: Fact) => ({
  '@timestamp': fact.at,
  event: {
    id: fact.id,
    sequence: fact.sequence,
    kind: 'event',
    category: ['process', 'session'],
    action: 'command-executed',
    outcome: fact.outcome,
  },
  host: { name: fact.bastion },
  user: { name: fact.user, id: `${fact.pid % 100}` },
  process: {
    name: fact.argv[0]!.split('/').at(-1),
    pid: fact.pid,
    executable: fact.argv[0],
    command_line: fact.line,
  },
  source: { ip: fact.ip, port: fact.port },
  session: { id: fact.sessionId },
})

/** Sequence numbers 1 to `count`, one event a line. */
export const writeEvents = async (files: EventFiles, count: number): Promise<void> => {
  const random = seededRandom(7)
  const endMs = Date.now()
  const outputs = [
    { stream: createWriteStream(files.ours), render: ourEvent },
    { stream: createWriteStream(files.ecs), render: ecsEvent },
  ]
  const perWrite = 1000
  for (let first = 1; first <= count; first += perWrite) {
    const length = Math.min(perWrite, count - first + 1)
    const facts = Array.from({ length }, (_, n) => factOf(random, first + n, count, endMs))
    for (const { stream, render } of outputs) {
      const text = facts.map((fact) => `${JSON.stringify(render(fact))}\n`).join('')
      if (!stream.write(text)) await once(stream, 'drain')
    }
  }
  for (const { stream } of outputs) {
    stream.end()
    await once(stream, 'finish')
  }
}
