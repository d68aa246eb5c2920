import { execFile } from 'node:child_process'
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import test from 'ava'
import { checks } from '#hooks/posture/checks.ts'
import { SessionEvent } from '#services/schema/session-event.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { until } from '#test/helpers/until.ts'
import { startAgentChild } from '#test/hooks/agent/child.ts'
import { configOf, openCore, spooled } from '#test/hooks/agent/core.ts'

const bartizan = fileURLToPath(new URL('../../../bartizan', import.meta.url))
const limitMs = 90_000

test('bartizan posture --send looks at this machine, and the agent has every fact in its chain', async (t) => {
  t.timeout(2 * limitMs)
  const data = await temporaryFolder(t)
  const agent = await startAgentChild(t, data)
  const env = { PATH: process.env.PATH, BARTIZAN_DATA: data, BARTIZAN_BASTION: 'bastion-1' }
  const { stdout } = await promisify(execFile)(bartizan, ['posture', '--send', '--json'], { env, timeout: limitMs })
  const told = (JSON.parse(stdout) as { facts: { check: string; status: string }[] }).facts
  t.deepEqual(
    checks.map(({ id }) => id).filter((id) => !told.some(({ check }) => check === id)),
    [],
  )
  await until(async () => (await stat(join(data, 'agent', 'posture.json')).catch(() => null)) !== null, { limitMs })
  agent.child.kill('SIGTERM')
  t.is(await agent.exit, 0, agent.errors())
  const records = await spooled(await openCore(t, configOf(data)))
  const events = records
    .filter(({ type }) => type === 'event')
    .map(({ body }) => JSON.parse(Buffer.from(body).toString()))
  const posture = events.map((event) => SessionEvent.parse(event)).filter(({ kind }) => kind === 'posture')
  t.deepEqual(
    posture.map((event) => (event.kind === 'posture' ? { check: event.check, status: event.status } : null)),
    told.map(({ check, status }) => ({ check, status })),
  )
  t.true(posture.every(({ bastion, source, prevHash }) => bastion === 'bastion-1' && source === 'posture' && prevHash))
  t.like(JSON.parse(await readFile(join(data, 'agent', 'posture.json'), 'utf8')), { version: 1 })
})
