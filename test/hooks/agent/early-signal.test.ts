import test from 'ava'
import { closeSharedCatalog } from '#test/helpers/ingest-backends.ts'
import { serveReceiver } from '#test/helpers/receiver.ts'
import { connectSudoClient } from '#test/helpers/sudo-client.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { until } from '#test/helpers/until.ts'
import { holdPort } from './held-port.ts'

test.after.always(closeSharedCatalog)

test('an agent that is stopped while it still starts keeps the sessions that it has let in by then', async (t) => {
  const receiver = await serveReceiver(t)
  const data = await temporaryFolder(t)
  const held = await holdPort(t, data, receiver.secrets.bastion)
  const env = { BARTIZAN_UPLINK_URL: receiver.url }
  const agent = held.start(env)
  let client: Awaited<ReturnType<typeof connectSudoClient>> | undefined
  await until(
    async () => {
      client = await connectSudoClient(held.port).catch(() => undefined)
      return client !== undefined
    },
    { limitMs: 30_000, everyMs: 1, what: 'the port' },
  )
  agent.child.kill('SIGTERM')
  await client!.greeted()
  client!.accept()
  await client!.logId()
  const next = await held.startReady(env)
  t.is(agent.child.exitCode, null)
  t.is(agent.child.signalCode, null)
  client!.io('ttyoutBuf', 'and on it goes')
  client!.exit()
  await client!.committed()
  t.is(await agent.exit, 0)
  t.is(next.child.exitCode, null)
})
