import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import { z } from 'zod'
import { States, startAgent, startServer } from '#test/helpers/host-product.ts'
import { realTest } from '#test/helpers/real.ts'
import { type RelayedHosts, relayedHosts } from '#test/helpers/relayed-hosts.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { until } from '#test/helpers/until.ts'

const repository = fileURLToPath(new URL('../..', import.meta.url))
const limitMs = 60_000
const silentMs = 3_000

const Health = z.object({
  items: z.array(
    z.object({
      bastion: z.string(),
      status: z
        .object({
          relay: z.object({ waiting: z.number(), deadLetters: z.number(), agents: z.array(z.unknown()) }).optional(),
        })
        .nullable(),
    }),
  ),
})
const Events = z.object({ items: z.array(z.object({ kind: z.string(), source: z.string() })) })

/** The session script on the inner host, which goes on until it is told to end. */
const startSession = async ({ inside }: RelayedHosts, sudoPort: number) => {
  const script = join(repository, 'test/flow/relay-session.ts')
  const session = inside.start([process.execPath, script, String(sudoPort)])
  await until(() => session.output().includes('\n'), { limitMs, what: 'a session' })
  const id = session.output().split('\n')[0]!
  return {
    id,
    end: async (): Promise<void> => {
      const gone = new Promise((resolve) => session.child.once('close', resolve))
      session.child.kill('SIGTERM')
      await gone
    },
  }
}
/** Exit code 0: somebody took the connection; 3: nobody did within a second. */
const connects = (address: string, port: number): string[] => [
  process.execPath,
  '--input-type=module',
  '-e',
  `import{connect}from'node:net';const s=connect(${port},'${address}');s.setTimeout(1000,()=>process.exit(3));s.on('error',()=>process.exit(3));s.on('connect',()=>process.exit(0))`,
]

realTest(
  test,
  ['root', 'ip', 'openssl'],
  "three machines (network namespaces), the inner one without any route: the page's commands set up a relay; its link is cut under load, and everything arrives",
  async (t) => {
    const page = await readFile(join(repository, 'docs/operations/relay.md'), 'utf8')
    const blocks = [...page.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, block]) => block!)
    t.is(blocks.length, 6)
    const [relayCode, runRelay, agentCode, health, posture, revoke] = blocks as [
      string,
      string,
      string,
      string,
      string,
      string,
    ]
    const hosts = await relayedHosts(t, repository)
    const { inside, relay: middle, outside } = hosts
    const server = await startServer(t, outside, { BARTIZAN_DETECTORS_RECORDING_GAP_SILENT_MS: String(silentMs) })
    const [relayData, data] = [await temporaryFolder(t), await temporaryFolder(t)]
    const onRelay = { BARTIZAN_DATA: relayData, BARTIZAN_BASTION: 'relay-1', BARTIZAN_AGENT_HEARTBEAT_MS: '500' }

    const { stdout: relayLine, stderr } = await server.sh(relayCode.replace('10.1.0.2', middle.address))
    t.regex(relayLine, new RegExp(`^\\./bartizan agent enrol https://${outside.address}:8443 `), stderr)
    const enrolled = await middle.run(['sh', '-c', relayLine], onRelay)
    t.regex(enrolled.stdout, /enrolled as relay-1/, enrolled.stderr)
    const ports = { BARTIZAN_SUDO_PORT: '0', BARTIZAN_RELAY_HOST: middle.address, BARTIZAN_LOG_LEVEL: 'warn' }
    const startRelay = async () => {
      const running = middle.start(['sh', '-c', `exec ${runRelay}`], { ...onRelay, ...ports })
      await until(() => running.output().includes('relay is ready'), { limitMs, what: 'the relay' })
      return running
    }
    const first = await startRelay()
    const relayStatus = async () => {
      const { items } = Health.parse(await server.api('/api/agents'))
      return items.find(({ bastion }) => bastion === 'relay-1')?.status?.relay
    }
    await until(async () => (await relayStatus()) !== undefined, { limitMs, everyMs: 300, what: 'the relay is heard' })

    const { stdout: line, stderr: why } = await server.sh(agentCode)
    t.regex(line, new RegExp(`^\\./bartizan agent enrol https://${middle.address}:8443 `), why)
    const onBastion = { BARTIZAN_DATA: data, BARTIZAN_BASTION: 'b1' }
    const behind = await inside.run(['sh', '-c', line], onBastion)
    t.is(behind.stdout, `This agent is enrolled as b1 at https://${middle.address}:8443.\n`, behind.stderr)
    t.is((await outside.run(connects(inside.address, 22))).code, 3, 'the server reaches nobody inside')
    t.is((await outside.run(connects(middle.address, 8443))).code, 3, 'nor the relay by its inner address')
    t.is((await inside.run(connects(outside.address, 8443))).code, 3, 'and the bastion does not reach the server')

    const agent = await startAgent(t, inside, data)
    const stateOf = async (id: string) => {
      const { items } = States.parse(await server.api('/api/sessions'))
      return items.find((one) => one.id === id && one.bastion === 'b1')?.state
    }
    const isComplete = async (id: string) => (await stateOf(id)) === 'complete'
    const before = await agent.record('before the cut')
    await until(() => isComplete(before), { limitMs, everyMs: 200, what: 'the first session' })
    const long = await startSession(hosts, agent.sudoPort)
    await until(async () => (await stateOf(long.id)) !== undefined, { limitMs, everyMs: 200, what: 'the long session' })
    t.regex((await middle.run(['sh', '-c', posture], onRelay)).stdout, /facts are new/)

    await hosts.link('down')
    const meanwhile = await Promise.all(Array.from({ length: 5 }, (_, n) => agent.record(`while cut ${n}`)))
    await until(async () => (await stateOf(long.id)) === 'late', { limitMs, everyMs: 200, what: 'late' })
    first.child.kill('SIGKILL')
    await new Promise((resolve) => first.child.once('close', resolve))
    await startRelay()
    const afterKill = await agent.record('after the relay was killed')
    await long.end()
    // What had come just before the cut may be indexed after the first look: then the next one marks it again.
    await until(async () => (await stateOf(long.id)) === 'late', { limitMs, everyMs: 200, what: 'late still' })
    t.deepEqual(await Promise.all([...meanwhile, afterKill].map(stateOf)), Array(6).fill(undefined))

    await hosts.link('up')
    for (const id of [long.id, ...meanwhile, afterKill])
      await until(() => isComplete(id), { limitMs, everyMs: 200, what: `session ${id}` })
    const told = Events.parse(await server.api('/api/events?bastion=relay-1&limit=200')).items
    t.true(told.some(({ kind, source }) => kind === 'posture' && source !== 'receiver'))
    t.true(told.some(({ kind }) => kind === 'recorder_health'))
    t.regex((await server.sh(health)).stdout, /^relay-1 .*relay/m)

    const { stdout: listed } = await server.sh('./bartizan agents list')
    t.regex(listed, /^b1 {2}until .*through relay-1$/m)
    t.regex(listed, new RegExp(`^relay-1 .*relay at ${middle.address}$`, 'm'))
    t.regex((await server.sh(revoke)).stdout, /^revoked b1: 1 certificates/)
    // Until the relay has heard of it, it takes what comes.
    await agent.record('about to be revoked')
    await until(() => agent.output().includes('was revoked'), { limitMs, what: 'the refusal' })
    const refused = await agent.record('while revoked')
    t.is(await stateOf(refused), undefined)
  },
)
