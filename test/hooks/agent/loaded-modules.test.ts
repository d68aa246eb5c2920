import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import { bartizan, killIfAlive } from '#test/helpers/running.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { until } from '#test/helpers/until.ts'

const recording = fileURLToPath(new URL('../../helpers/loaded-modules.ts', import.meta.url))
const stages = /^(ingest|detectors|delivery|viewer)\//
const packages =
  /node_modules\/(express|kafkajs|@aws-sdk|@smithy|@elastic|ws|pino-pretty|prom-client|maxmind|nodemailer|csv-parse)\//
const parts =
  /^hooks\/asciinema-live\/|^services\/(backends|.*\/(kafka|elastic|s3)-[^/]*)\.ts$|^cli\/(up|roles|stages)\.ts$/
const fetchOfNode = 'NativeModule internal/deps/undici/undici'

test('an agent that starts with the settings of the package loads nothing of servers, of hooks that are off, and no fetch', async (t) => {
  const data = await temporaryFolder(t)
  const list = join(data, 'loaded')
  const agent = bartizan(['agent'], {
    BARTIZAN_DATA: data,
    BARTIZAN_SUDO_PORT: '0',
    NODE_OPTIONS: `--import ${recording}`,
    LOADED_MODULES_FILE: list,
  })
  t.teardown(() => killIfAlive(agent.child.pid!))
  const isReady = () =>
    readFile(join(data, 'agent/agent.json')).then(
      () => true,
      () => false,
    )
  await until(isReady, { limitMs: 30_000, what: 'the agent' })
  agent.child.kill('SIGTERM')
  t.is(await agent.exited, 0, agent.output())
  const root = new URL('../../..', import.meta.url).href
  const loaded = (await readFile(list, 'utf8')).split('\n').map((url) => url.replace(root, ''))
  t.true(loaded.includes('hooks/sudo/sudo-hook.ts'))
  t.true(loaded.includes('NativeModule https'))
  t.deepEqual(
    loaded.filter((name) => stages.test(name) || packages.test(name) || parts.test(name) || name === fetchOfNode),
    [],
  )
})
