import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import { Services } from '#test/helpers/cluster.ts'
import { realTest } from '#test/helpers/real.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { cacheFolder } from '../../../scripts/engines/cache.ts'
import { elasticsearch } from '../../../scripts/engines/elasticsearch/install.ts'
import { kafka } from '../../../scripts/engines/kafka/install.ts'
import { identify } from '../../../scripts/engines/process-identity.ts'
import { readState } from '../../../scripts/engines/run-state.ts'
import { versitygw } from '../../../scripts/engines/versitygw/install.ts'

const launcher = fileURLToPath(new URL('../../../scripts/services', import.meta.url))

type Outcome = { code: number; stdout: string; stderr: string }

const services = (...args: string[]): Promise<Outcome> =>
  new Promise((resolve) => {
    execFile(launcher, args, (error, stdout, stderr) => {
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr })
    })
  })

const statesOf = ({ stdout }: Outcome): string[] =>
  (JSON.parse(stdout) as { state: string }[]).map(({ state }) => state)

test('an engine that does not exist is wrong usage', async (t) => {
  const { code, stderr } = await services('up', '--only', 'kafka,cassandra')
  t.is(code, 2)
  t.regex(stderr, /no engine "cassandra": kafka, s3, elasticsearch/)
})

test('where nothing was started, status says so and down does nothing', async (t) => {
  const folder = await temporaryFolder(t)
  const status = await services('status', '--folder', folder, '--json')
  t.is(status.code, 3)
  t.deepEqual(statesOf(status), ['down', 'down', 'down'])
  t.is((await services('down', '--folder', folder)).code, 0)
  t.deepEqual(await readdir(folder), [])
})

test("a folder that holds somebody else's data is refused and left as it is", async (t) => {
  const folder = await temporaryFolder(t)
  await mkdir(join(folder, 'versitygw', 'theirs'), { recursive: true })
  const { code, stderr } = await services('up', '--no-docker', '--folder', folder, '--only', 's3')
  t.is(code, 1)
  t.regex(stderr, /versitygw was not made by `scripts\/services up`/)
  await services('down', '--folder', folder)
  t.true(existsSync(join(folder, 'versitygw', 'theirs')))
})

const title = 'the engines come up, are started again where one has died, and leave nothing behind'
const isWarm = [kafka, versitygw, elasticsearch].every(({ name }) => existsSync(join(cacheFolder(), name)))

if (!isWarm && process.env.BARTIZAN_REQUIRE_REAL !== '1')
  test.skip(`${title} (needs a download: \`scripts/services up\` once)`, (t) => t.fail())
else
  realTest(test, ['mvn', 'go', 'java'], title, async (t) => {
    const folder = await temporaryFolder(t)
    t.teardown(() => services('down', '--folder', folder))
    const up = await services('up', '--no-docker', '--folder', folder, '--json')
    t.is(up.code, 0, up.stderr)
    const said = Services.parse(JSON.parse(up.stdout))
    t.deepEqual(JSON.parse(await readFile(join(folder, 'services.json'), 'utf8')), said)
    const again = await services('up', '--no-docker', '--folder', folder, '--json')
    t.regex(again.stderr, /already up: kafka, s3, elasticsearch/)
    t.deepEqual(JSON.parse(again.stdout), said)

    const { processes } = readState(folder)!
    process.kill(processes.find(({ engine }) => engine === 's3')!.pid, 'SIGKILL')
    const status = await services('status', '--folder', folder, '--json')
    t.is(status.code, 3)
    t.deepEqual(statesOf(status), ['up', 'ended', 'up'])
    const mended = await services('up', '--no-docker', '--folder', folder, '--json')
    t.is(mended.code, 0, mended.stderr)
    t.deepEqual(Services.parse(JSON.parse(mended.stdout)).kafka, said.kafka)
    t.is((await services('status', '--folder', folder)).code, 0)

    const pids = readState(folder)!.processes.map(({ pid }) => pid)
    t.is(pids.length, 3)
    t.is((await services('down', '--folder', folder)).code, 0)
    for (const pid of pids) t.is(await identify(pid), null)
    t.deepEqual(await readdir(folder), ['lock.db'])
  })
