import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import type { Finding } from '#services/finding.ts'
import { onServices } from '#test/helpers/cluster.ts'
import { composeProject, root } from '#test/helpers/compose-project.ts'
import {
  checkHealth,
  execute,
  roleEnvironment,
  type Stage,
  stageOf,
  startElasticsearch,
  startKafka,
  startVersitygw,
} from '#test/helpers/compose-run.ts'
import { until } from '#test/helpers/until.ts'
import { stopProcess } from '../../scripts/engines/process-identity.ts'

const engines = ['kafka', 'elasticsearch', 'versitygw']
const entry = `${root}cli/bartizan.ts`

const startEngines = async (t: ExecutionContext): Promise<Stage> => {
  const { project, folder, secrets } = await composeProject(t)
  const stage = await stageOf(project, folder, secrets)
  for (const name of engines) t.not((await checkHealth(stage, name)).code, 0, `${name} does not run yet`)
  const starts = [startKafka(stage), startVersitygw(stage), startElasticsearch(stage)]
  t.teardown(async () => {
    for (const start of await Promise.allSettled(starts))
      if (start.status === 'fulfilled') await stopProcess(start.value)
  })
  await Promise.all(starts)
  for (const name of engines) t.is((await checkHealth(stage, name)).code, 0, name)
  return stage
}

/** The command of one of our own services, to its end. */
const runService = (stage: Stage, name: string, command = stage.project.services[name]!.command) =>
  execute(process.execPath, [entry, ...command], roleEnvironment(stage, name))

/** A role as its container runs it, until its health check says that it is ready. */
const startRole = async (t: ExecutionContext, stage: Stage, name: string) => {
  const { command } = stage.project.services[name]!
  const child: ChildProcess = spawn(process.execPath, [entry, ...command], { env: roleEnvironment(stage, name) })
  t.teardown(() => child.kill('SIGKILL'))
  let output = ''
  for (const stream of [child.stdout!, child.stderr!]) stream.on('data', (data: Buffer) => (output += data.toString()))
  const exited = once(child, 'close')
  await until(
    async () => {
      if (child.exitCode !== null) throw new Error(`${name} ended with ${child.exitCode}: ${output}`)
      return (await checkHealth(stage, name)).code === 0
    },
    { limitMs: 60_000, everyMs: 500, what: `${name} is ready` },
  )
  return {
    stop: async (): Promise<number | null> => {
      child.kill('SIGTERM')
      return ((await exited) as [number | null])[0]
    },
  }
}

const diagnose = async (
  stage: Stage,
  name: string,
  env: NodeJS.ProcessEnv = {},
): Promise<{ ok: boolean; findings: Finding[] }> => {
  const args = [entry, 'doctor', '--json', '--role', name]
  return JSON.parse((await execute(process.execPath, args, { ...roleEnvironment(stage, name), ...env })).output)
}

const elasticsearchAs = async (stage: Stage, user: string, method: string, path: string, body?: object) => {
  const password = await readFile(join(stage.secrets, `elasticsearch-${user}`), 'utf8')
  const authorization = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`
  const answer = await fetch(`http://127.0.0.1:${stage.ports.elasticsearch}${path}`, {
    method,
    headers: { authorization, 'content-type': 'application/json' },
    ...(body && { body: JSON.stringify(body) }),
  })
  await answer.body?.cancel()
  return answer.status
}

const roles = ['receiver', 'ingest', 'detectors', 'delivery', 'viewer', 'custodian']

const rolesStayWithinTheirRights = async (t: ExecutionContext, stage: Stage): Promise<void> => {
  for (const user of roles) {
    const tried = (method: string, path: string, body?: object) => elasticsearchAs(stage, user, method, path, body)
    t.is(await tried('GET', '/bartizan-*/_search'), 200, user)
    t.is(await tried('DELETE', '/bartizan-state'), 403, user)
    t.is(await tried('PUT', '/_index_template/bartizan-state', { index_patterns: ['bartizan-state'] }), 403, user)
    t.is(await tried('POST', '/elsewhere/_doc', {}), 403, user)
    const writesCatalog = await tried('POST', '/bartizan-evidence/_doc?refresh=false', { unknown: user })
    t.is(writesCatalog === 403, !['ingest', 'custodian'].includes(user), `${user}: ${writesCatalog}`)
  }
}

const wrongPasswordsAreFound = async (t: ExecutionContext, stage: Stage): Promise<void> => {
  const wrongFile = join(stage.folder, 'wrong')
  await writeFile(wrongFile, 'wrong-secret', { mode: 0o600 })
  const { findings } = await diagnose(stage, 'ingest', {
    BARTIZAN_KAFKA_PASSWORD_FILE: wrongFile,
    BARTIZAN_ELASTICSEARCH_PASSWORD_FILE: wrongFile,
    BARTIZAN_S3_SECRET_ACCESS_KEY_FILE: wrongFile,
  })
  const bad = findings.filter(({ ok }) => !ok)
  for (const engine of ['kafka', 's3', 'elasticsearch']) {
    const finding = bad.find(({ check }) => check.startsWith(engine))
    t.truthy(finding?.fix, `${engine}: ${JSON.stringify(findings)}`)
  }
  t.false(JSON.stringify(findings).includes('wrong-secret'))
}

onServices(test, () => {
  test('every command of the compose file works: engines, set-up, roles, health checks; and doctor finds all well', async (t) => {
    const stage = await startEngines(t)
    for (const round of ['first', 'again']) {
      const { code, errors } = await runService(stage, 'setup')
      t.is(code, 0, `${round}: ${errors}`)
    }
    for (const role of roles) {
      const { stop } = await startRole(t, stage, role)
      let wrong: Finding[] = []
      // On a machine that is busy enough any check may once run out of its time, which doctor then says.
      const isWell = async () => {
        const { ok, findings } = await diagnose(stage, role)
        wrong = findings.filter((finding) => !finding.ok)
        return ok
      }
      await until(isWell, { limitMs: 60_000 }).catch(() => {})
      t.deepEqual(wrong, [], role)
      t.is(await stop(), 0, role)
    }
    await rolesStayWithinTheirRights(t, stage)
    await wrongPasswordsAreFound(t, stage)
  })
})
