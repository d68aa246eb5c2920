import { mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { EndReason } from '#services/schema/generated/frame_batch_pb.ts'
import { recordsOf } from '#test/helpers/frame-worker.ts'
import { closeSharedCatalog } from '#test/helpers/ingest-backends.ts'
import { serveReceiver } from '#test/helpers/receiver.ts'
import { connectSudoClient } from '#test/helpers/sudo-client.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { until } from '#test/helpers/until.ts'
import { spawnAgent, startAgentChild } from './child.ts'
import { batchesOf, configOf, openCore, spooled } from './core.ts'

test.after.always(closeSharedCatalog)

test('SIGTERM: no new session, open ones get their time and then a text, all is sealed, exit code 0', async (t) => {
  const data = await temporaryFolder(t)
  const agent = await startAgentChild(t, data, { BARTIZAN_AGENT_DRAIN_MS: '4000' })
  const [leaves, stays] = [await connectSudoClient(agent.sudoPort), await connectSudoClient(agent.sudoPort)]
  for (const client of [leaves, stays]) client.accept()
  const logIds = [await leaves.logId(), await stays.logId()]
  const late = await connectSudoClient(agent.sudoPort)
  await late.greeted()
  stays.io('ttyoutBuf', 'still here')
  agent.child.kill('SIGTERM')
  await until(async () => {
    const probe = await connectSudoClient(agent.sudoPort).catch(() => null)
    probe?.vanish()
    return probe === null
  })
  late.accept()
  await until(() => late.heard.errors.length > 0)
  t.regex(late.heard.errors[0]!, /try again/)
  leaves.exit()
  await leaves.committed()
  await until(() => stays.heard.aborts.length > 0)
  t.regex(stays.heard.aborts[0]!, /stops/)
  stays.vanish()
  t.is(await agent.exit, 0)
  await t.throwsAsync(stat(join(data, 'agent', 'agent.json')), { code: 'ENOENT' })
  const core = await openCore(t, configOf(data))
  t.deepEqual(core.recorder.openSessions, [])
  const ends = await Promise.all(logIds.map(async (id) => (await batchesOf(core, id)).at(-2)!.end!.reason))
  t.deepEqual(ends, [EndReason.EXIT, EndReason.ABORTED])
})

test('a drain hands the spool over to the receiver', async (t) => {
  const { url, bus, secrets } = await serveReceiver(t)
  const data = await temporaryFolder(t)
  await mkdir(join(data, 'agent'), { recursive: true })
  await writeFile(join(data, 'agent', 'token'), secrets.bastion)
  const agent = await startAgentChild(t, data, { BARTIZAN_UPLINK_URL: url, BARTIZAN_AGENT_DRAIN_MS: '100' })
  const client = await connectSudoClient(agent.sudoPort)
  client.accept()
  await client.logId()
  client.io('ttyoutBuf', 'to be handed over')
  agent.child.kill('SIGTERM')
  await until(() => client.heard.aborts.length > 0)
  client.vanish()
  t.is(await agent.exit, 0)
  const core = await openCore(t, configOf(data))
  t.is(core.spool.acknowledgedPosition, core.spool.durablePosition)
  const batches = (await spooled(core)).filter(({ type }) => type === 'batch')
  t.is((await recordsOf(bus, 'session-frames')).length, batches.length)
})

test('when nothing can be made durable any more, users are told and the process ends with code 1', async (t) => {
  const data = await temporaryFolder(t)
  const agent = await startAgentChild(t, data, { BARTIZAN_AGENT_SPOOL_SEGMENT_BYTES: '1' })
  const client = await connectSudoClient(agent.sudoPort)
  client.accept()
  await client.logId()
  await rename(join(data, 'agent', 'spool'), join(data, 'agent', 'moved'))
  const acknowledgedNs = client.acknowledgedNs
  client.io('ttyoutBuf', 'cannot be stored')
  await until(() => client.heard.aborts.length > 0)
  t.regex(client.heard.aborts[0]!, /cannot be stored/)
  t.is(client.acknowledgedNs, acknowledgedNs)
  t.is(await agent.exit, 1)
})

test('a second agent on the same data is refused and says why; the first goes on', async (t) => {
  const data = await temporaryFolder(t)
  const first = await startAgentChild(t, data)
  const second = spawnAgent(t, data)
  t.is(await second.exit, 1)
  t.regex(second.errors(), /BTZ_DATA_LOCKED/)
  const client = await connectSudoClient(first.sudoPort)
  client.accept()
  await client.logId()
  client.exit()
  await client.committed()
})

test('a port in use ends the start with an error, and leaves nothing running', async (t) => {
  const first = await startAgentChild(t, await temporaryFolder(t))
  const second = spawnAgent(t, await temporaryFolder(t), { BARTIZAN_SUDO_PORT: String(first.sudoPort) })
  t.is(await second.exit, 1)
  t.regex(second.errors(), /BTZ_PORT_IN_USE/)
})

test('the signing key is made once and readable by its owner only', async (t) => {
  const data = await temporaryFolder(t)
  const first = await openCore(t, configOf(data))
  await first.close()
  const file = join(data, 'agent', 'identity.key')
  t.is((await stat(file)).mode & 0o777, 0o600)
  t.regex(await readFile(file, 'utf8'), /PRIVATE KEY/)
  t.is((await openCore(t, configOf(data))).identity.keyId, first.identity.keyId)
  await first.close()
  await writeFile(file, 'garbage')
  await t.throwsAsync(openCore(t, configOf(data)), { code: 'BTZ_KEY_INVALID' })
})
