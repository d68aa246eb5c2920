import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { pino } from 'pino'
import { loadIdentity } from '#services/access/identity.ts'
import type { Session } from '#services/schema/session.ts'
import { type Bastion, bastionPrograms, startBastion } from '#test/helpers/bastion.ts'
import { onServices, type Services } from '#test/helpers/cluster.ts'
import { clusterEnv } from '#test/helpers/cluster-product.ts'
import { realTest } from '#test/helpers/real.ts'
import { bytesOf, type ExportLine, exported, sessionsOf } from '#test/helpers/recorded.ts'
import { adminToken, apiAt, bartizan, type Product } from '#test/helpers/running.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { until } from '#test/helpers/until.ts'
import { openEvidence } from './rolling-evidence.ts'
import { type Role, startRole } from './rolling-roles.ts'
import { type AgentService, startAgentService } from './rolling-service.ts'
import { startTyping, type Typist } from './rolling-typing.ts'

const sessionCount = 20
const userCount = 4
const limitMs = 60_000

const startCluster = async (t: ExecutionContext, services: Services) => {
  const folder = await temporaryFolder(t)
  const data = (name: string) => join(folder, name)
  const env = {
    ...(await clusterEnv(data('shared'), services)),
    BARTIZAN_ADMIN_TOKEN: adminToken,
    BARTIZAN_KEYS_FOLDER: data('keys'),
    BARTIZAN_INGEST_BLOCK_MAX_MS: '2000',
    BARTIZAN_LOG_LEVEL: 'warn',
  }
  const setup = bartizan(['setup'], { ...env, BARTIZAN_DATA: data('shared') })
  t.is(await setup.exited, 0, setup.output())
  const [receiver, ingest, viewer] = await Promise.all(
    (['receiver', 'ingest', 'viewer'] as const).map((name) =>
      startRole(t, name, { ...env, BARTIZAN_DATA: data(name) }),
    ),
  )
  return { env, receiver: receiver!, ingest: ingest!, viewer: viewer! }
}
type Cluster = Awaited<ReturnType<typeof startCluster>>

/** One short login after the other, until stopped. */
const keepLoggingIn = (bastion: Bastion) => {
  const failures: unknown[] = []
  let count = 0
  let isOver = false
  const running = (async () => {
    while (!isOver) {
      const { stdout, stderr, code } = await bastion.ssh(bastion.users[0]!, `echo login ${++count}`)
      const isWell = code === 0 && stdout.toString() === `login ${count}\n`
      if (!isWell) failures.push({ count, code, stdout: stdout.toString(), stderr: stderr.toString() })
    }
  })()
  return {
    stop: async () => {
      isOver = true
      await running
      return { count, failures }
    },
  }
}

const restart = async (role: Role, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> => {
  await role.stop(signal)
  await role.start()
}

const roll = async (agent: AgentService, { receiver, ingest, viewer }: Cluster): Promise<void> => {
  await agent.restart('0.0.2')
  await receiver.stop('SIGTERM')
  await agent.restart('0.0.3') // while nobody takes what is recorded
  await receiver.start()
  await Promise.all([restart(ingest, 'SIGTERM'), restart(viewer, 'SIGTERM'), restart(receiver, 'SIGKILL')])
  await agent.restart()
  await agent.restart()
}

const isTyping = async (typists: Typist[]): Promise<void> => {
  const before = typists.map(({ shell }) => shell.received().length)
  await until(() => typists.every(({ shell }, n) => shell.received().length > before[n]!), {
    limitMs,
    what: 'an answer to everybody',
  })
}

type Masked = { length: number }
/** Every typed byte is there: as it was typed, or, where it might have been a secret, its place and length. */
const assertTyped = (t: ExecutionContext, lines: ExportLine[], typed: string): number => {
  let at = 0
  let maskedBytes = 0
  for (const { stream, dataB64 = '', masked } of lines) {
    if (stream !== 'ttyin') continue
    const data = Buffer.from(dataB64, 'base64')
    if (!masked) t.is(data.toString(), typed.slice(at, at + data.length))
    maskedBytes += masked ? (masked as Masked).length : 0
    at += masked ? (masked as Masked).length : data.length
  }
  t.is(at, typed.length)
  return maskedBytes
}

const assertRecorded = async (
  t: ExecutionContext,
  product: Pick<Product, 'raw'>,
  sessions: Session[],
  typists: Typist[],
) => {
  const found = new Set<Typist>()
  let maskedBytes = 0
  for (const { id } of sessions) {
    const lines = await exported(product, id)
    const output = bytesOf(lines, 'ttyout')
    const typist = typists.find(({ shell }) => shell.received().equals(output))
    if (!typist) return t.fail(`${id}: no terminal showed what was recorded:\n${output.toString().slice(-2000)}`)
    found.add(typist)
    maskedBytes += assertTyped(t, lines, typist.typed())
  }
  t.is(found.size, sessionCount)
  t.log(`${maskedBytes} typed bytes masked`)
}

onServices(test, (services) => {
  realTest(
    test,
    [...bastionPrograms, 'systemd-socket-activate', 'setsid', 'perl'],
    `${sessionCount} live ssh sessions: agent, receiver, ingest and viewer are restarted and upgraded, no session ends and no byte is lost (systemd is played by a script)`,
    async (t) => {
      t.timeout(10 * 60_000)
      const began = performance.now()
      const cluster = await startCluster(t, services)
      const tokenFile = join(await temporaryFolder(t), 'token')
      await writeFile(tokenFile, adminToken, { mode: 0o600 })
      const agent = await startAgentService(t, { uplink: { url: cluster.receiver.url, tokenFile } })
      const bastion = await startBastion(t, { sudoPort: agent.port, users: userCount })
      const typists: Typist[] = []
      await Promise.all(
        bastion.users.map(async (user, n) => {
          for (let of = n; of < sessionCount; of += userCount) typists.push(await startTyping(bastion, user, `s${of}`))
        }),
      )
      let ended = 0
      for (const { shell } of typists) void shell.closed.then(() => ended++)

      const logins = keepLoggingIn(bastion)
      await roll(agent, cluster)
      t.is(ended, 0, 'a session ended')
      await isTyping(typists)
      const { count: loginCount, failures } = await logins.stop()
      t.deepEqual(failures, [], 'logins meanwhile')
      t.is(ended, 0, 'a session ended')
      t.true(agent.alive().length >= 2, 'agents before keep their sessions')
      t.deepEqual(await Promise.all(typists.map(({ leave }) => leave())), Array(sessionCount).fill(0))
      for (const { shell, total } of typists) t.true(shell.received().includes(total()))

      const product = apiAt(cluster.viewer.url)
      const isDone = ({ state, evidence }: Session) => state !== 'open' && evidence === 'sealed'
      await until(
        async () => {
          const all = await sessionsOf(product, 'limit=200')
          return all.length >= sessionCount + loginCount && all.every(isDone)
        },
        { limitMs, everyMs: 500, what: 'all sessions sealed' },
      )
      const sessions = await sessionsOf(product, 'limit=200')
      t.is(sessions.length, sessionCount + loginCount)
      for (const session of sessions) t.like(session, { state: 'complete', exitCode: 0, recorded: true })
      await assertRecorded(
        t,
        product,
        sessions.filter(({ tty }) => tty !== null),
        typists,
      )

      const { publicKey } = await loadIdentity(join(agent.data, 'agent'), pino({ level: 'silent' }))
      const evidence = await openEvidence(cluster.env, publicKey)
      t.teardown(evidence.close)
      for (const session of sessions) {
        const { manifest, signedTo, batches } = await evidence.prove(session)
        t.like(manifest, { gaps: [], endReason: 'exit', provisional: false })
        t.is(signedTo, batches - 2, `${batches} batches`)
      }
      await until(() => agent.alive().length === 1, { limitMs, what: 'the end of the agents before' })
      t.log(`${loginCount} logins meanwhile, ${Math.round((performance.now() - began) / 1000)} s`)
    },
  )
})
