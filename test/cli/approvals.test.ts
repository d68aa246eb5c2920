import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { bartizan } from '#test/helpers/running.ts'
import { startContentPlace } from '#test/viewer/content-place.ts'

test('a request is listed, decided by another person, and then listed no more', async (t) => {
  const place = await startContentPlace(t, { access: { secondPerson: [{ users: ['alice'] }] } })
  const { data, httpPort, as, secretOf } = place
  await writeFile(
    join(data, 'endpoints.json'),
    JSON.stringify({ httpPort, sudoPort: 1, pid: process.pid, agentPid: 1 }),
  )
  const id = await place.record('alice')
  const body = JSON.stringify({ reason: 'ticket\u001b[2J 4711' })
  const asked = await as('bob', 'analyst')(`/api/sessions/${id}/access`, { method: 'POST', body })
  const { id: approval } = (await asked.json()) as { id: string }

  const run = async (name: string, ...args: string[]) => {
    const token = await secretOf(name, 'auditor')
    const ran = bartizan(['approvals', ...args], { BARTIZAN_DATA: data, BARTIZAN_TOKEN: token })
    return { code: await ran.exited, output: ran.output().trim() }
  }
  const listed = await run('carol', 'list')
  t.true(listed.output.startsWith(`${approval}  open  access.view  ${id}  bob  until `), listed.output)
  t.true(listed.output.endsWith('ticket\\u001b[2J 4711'))
  const own = await run('Bob', 'approve', approval, '--reason', 'mine')
  t.is(own.code, 1)
  t.regex(own.output, /another person has to decide/)
  const refused = await run('carol', 'refuse', approval, '--reason', 'no ticket of that number')
  t.is(refused.code, 0)
  t.true(refused.output.startsWith(`${approval}  refused  `))
  t.is((await run('carol', 'list')).output, '')
  const all = JSON.parse((await run('carol', 'list', '--state', 'all', '--json')).output)
  t.like(all[0], { id: approval, state: 'refused', decisionReason: 'no ticket of that number' })
})
