import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { loadConfig } from '#services/config.ts'
import { composeProject, loadProject, type Service } from '#test/helpers/compose-project.ts'
import { realTest } from '#test/helpers/real.ts'
import { bartizan } from '#test/helpers/running.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'

const engines = ['elasticsearch', 'kafka', 'versitygw']
const roles = ['custodian', 'delivery', 'detectors', 'ingest', 'receiver', 'viewer']
const image = 'bartizan:local'

const configOf = ({ environment }: Service) => {
  const env = Object.fromEntries(Object.entries(environment).map(([name, value]) => [name, value ?? undefined]))
  return loadConfig(undefined, env)
}
const secretFiles = (service: Service): string[] =>
  Object.entries(service.environment).flatMap(([name, value]) => (name.endsWith('_FILE') ? [value ?? ''] : []))

realTest(
  test,
  ['go'],
  'the compose file is what Docker Compose accepts, without a warning, with what config --init makes',
  async (t) => {
    const { project } = await composeProject(t)
    t.deepEqual(Object.keys(project.services).sort(), [...engines, ...roles, 'setup'].sort())
    for (const [name, { file }] of Object.entries(project.secrets)) t.true(existsSync(file), name)
    const mounted = Object.values(project.services).flatMap(({ volumes }) => volumes)
    for (const { type, source } of mounted) if (type === 'bind') t.true(existsSync(source!), source)
  },
)

realTest(test, ['go'], 'without .env the compose file is refused, with what to do', async (t) => {
  const empty = join(await temporaryFolder(t), 'empty.env')
  await writeFile(empty, '')
  await t.throwsAsync(loadProject(empty), { message: /make \.env with \.\/bartizan config --init/ })
})

realTest(test, ['go'], 'no service has more rights or resources than it needs', async (t) => {
  const { project } = await composeProject(t)
  for (const [name, service] of Object.entries(project.services)) {
    t.deepEqual(service.cap_drop, ['ALL'], name)
    t.deepEqual(service.security_opt, ['no-new-privileges:true'], name)
    t.truthy(service.mem_limit && service.cpus && service.pids_limit, `${name} is limited`)
    t.is(service.privileged, undefined, name)
    t.regex(service.image, /:(v?\d+\.\d+\.\d+|local)$/, `${name} is pinned`)
    for (const port of service.ports) t.is(port.host_ip, '127.0.0.1', name)
    if (engines.includes(name)) t.deepEqual(service.ports, [], `${name} is reached by the roles alone`)
    if (engines.includes(name)) t.deepEqual(Object.keys(service.networks), ['engines'])
    if (service.image === image) t.true(service.read_only, name)
    for (const { type, read_only } of service.volumes) if (type === 'bind') t.true(read_only, name)
  }
  t.true(project.networks.engines?.internal)
})

realTest(
  test,
  ['go'],
  'everything starts in order: engines that are well, then the set-up, then the roles',
  async (t) => {
    const { project } = await composeProject(t)
    for (const name of [...engines, ...roles]) t.true(project.services[name]!.healthcheck!.test.length > 1, name)
    const waitsFor = (name: string) =>
      Object.fromEntries(
        Object.entries(project.services[name]!.depends_on).map(([other, { condition }]) => [other, condition]),
      )
    const healthy = Object.fromEntries(engines.map((name) => [name, 'service_healthy']))
    t.deepEqual(waitsFor('setup'), healthy)
    for (const role of roles) t.deepEqual(waitsFor(role), { ...healthy, setup: 'service_completed_successfully' }, role)
  },
)

realTest(test, ['go'], "each role's environment is a configuration, and its secrets are those it names", async (t) => {
  const { project } = await composeProject(t)
  const users = new Set<string>()
  for (const name of [...roles, 'setup']) {
    const service = project.services[name]!
    const config = configOf(service)
    t.is(config.backend, 'cluster', name)
    t.deepEqual(service.secrets.map(({ target }) => target).sort(), secretFiles(service).sort(), name)
    t.is(config.kafka.username, config.elasticsearch.username, name)
    users.add(config.kafka.username!)
    const writable = [
      ...service.tmpfs.map((mount) => mount.split(':')[0]),
      ...service.volumes.map(({ target }) => target),
    ]
    t.true(writable.includes(config.data), `${name}: the root file system is read-only`)
    if (config.keysFolder) t.true(writable.includes(config.keysFolder), name)
  }
  t.is(users.size, roles.length + 1, 'nobody shares a user')
  const keysOf = (role: string) => project.services[role]!.volumes.find(({ source }) => source === 'keys')
  t.deepEqual(keysOf('ingest'), keysOf('viewer'))
  t.truthy(keysOf('viewer'))
  t.is(keysOf('receiver'), undefined)
})

realTest(test, ['go'], 'each role is a command that there is', async (t) => {
  const { project } = await composeProject(t)
  for (const { image: of, command } of Object.values(project.services)) {
    if (of !== image) continue
    const run = bartizan([...command, '--help'])
    t.is(await run.exited, 0, run.output())
    t.regex(run.output(), new RegExp(`Usage: bartizan ${command[0]} `))
  }
})

test('file realm, roles and Kafka know the same users', async (t) => {
  const read = (path: string) => readFile(new URL(`../../${path}`, import.meta.url), 'utf8')
  const { composeSecrets } = await import('../../cli/compose-secrets.ts')
  const secrets = composeSecrets()
  const names = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].map((match) => match[1]!).sort()
  const kafka = names(secrets['kafka-users']!, /name=([a-z]+)/g)
  t.deepEqual(names(secrets['elasticsearch-users']!, /^([a-z]+):/gm), kafka)
  const assigned = (await read('deploy/elasticsearch/users_roles'))
    .trim()
    .split('\n')
    .map((line) => line.split(':') as [string, string])
  t.deepEqual(assigned.map(([, user]) => user).sort(), kafka)
  const roleNames = names(await read('deploy/elasticsearch/roles.yml'), /^([a-z_]+):$/gm)
  for (const [role] of assigned) t.true(role === 'superuser' || roleNames.includes(role), role)
})
