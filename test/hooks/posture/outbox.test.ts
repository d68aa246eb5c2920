import { chmod, mkdir, readdir, rename, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import type { HookEvent } from '#hooks/hook.ts'
import { startPostureInbox } from '#hooks/posture/inbox.ts'
import { openOutbox } from '#hooks/posture/outbox.ts'
import { nameOf, toldFiles } from '#hooks/posture/told-facts.ts'
import type { Fact } from '#hooks/posture/verdict.ts'
import { nothingSaid, whatToSay } from '#hooks/posture/what-was-said.ts'
import { BartizanError } from '#services/errors.ts'
import { createLogger } from '#services/log.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { until } from '#test/helpers/until.ts'
import { nowMs } from './views.ts'

const limitMs = 30_000
const log = createLogger('test', 'silent')
const facts: Fact[] = ['mfa-required', 'root-login', 'idle-timeout'].map((check) => ({
  check,
  status: 'fail',
  detail: { users: ['alice'] },
  fix: 'mend it',
}))

const dataFolder = async (t: ExecutionContext): Promise<string> => {
  const data = await temporaryFolder(t)
  await mkdir(join(data, 'agent'))
  return data
}
const leave = async (data: string, atMs: number, told: readonly Fact[] = facts): Promise<void> => {
  const outbox = await openOutbox(data)
  await outbox.say(toldFiles('b1', atMs, told), await outbox.recall())
  await outbox.close()
}
/** An agent's inbox, and what came of it. */
const inboxOf = (
  t: ExecutionContext,
  data: string,
  refuse: (event: HookEvent) => BartizanError | null = () => null,
) => {
  const events: HookEvent[] = []
  const event = async (one: HookEvent) => {
    const refusal = refuse(one)
    if (refusal) throw refusal
    events.push(one)
  }
  const inbox = startPostureInbox({ data, recorder: { event }, hasRoom: () => true, log, everyMs: 20 })
  t.teardown(inbox.close)
  return { events, close: inbox.close }
}
const checksOf = (events: readonly HookEvent[]) => events.map(({ check }) => check)

test('what the collector leaves arrives once and in order, and is removed when it was taken', async (t) => {
  const data = await dataFolder(t)
  await leave(data, nowMs)
  await leave(data, nowMs + 1, [{ check: 'compilers', status: 'ok', detail: {} }])
  const first = inboxOf(t, data)
  await until(() => first.events.length === 4, { limitMs })
  t.deepEqual(checksOf(first.events), ['mfa-required', 'root-login', 'idle-timeout', 'compilers'])
  t.like(first.events[0], { kind: 'posture', source: 'posture', at: '2026-06-01T12:00:00.000Z', fix: 'mend it' })
  t.is(new Set(first.events.map(({ id }) => id)).size, 4)
  await until(async () => (await stat(join(data, 'agent', 'posture.json')).catch(() => null)) !== null, { limitMs })
  await first.close()
  await leave(data, nowMs + 2, [{ check: 'egress-restriction', status: 'ok', detail: {} }])
  const again = inboxOf(t, data)
  await until(() => again.events.length > 0, { limitMs })
  t.deepEqual(checksOf(again.events), ['egress-restriction'])
  const left = (await readdir(join(data, 'posture'))).filter((name) => name !== 'said.json')
  t.is(left.length, 1, left.join(' '))
})

test('what was said, and since when keys were seen, is known to the next run', async (t) => {
  const data = await dataFolder(t)
  const outbox = await openOutbox(data)
  t.deepEqual(await outbox.recall(), nothingSaid)
  const { after } = whatToSay(nothingSaid, facts, nowMs)
  await outbox.say(toldFiles('b1', nowMs, facts), { ...after, firstSeenMs: { 'key alice SHA256:x': nowMs } })
  await outbox.close()
  const next = await openOutbox(data)
  t.teardown(next.close)
  const { lastFile, ...recalled } = await next.recall()
  t.deepEqual(recalled, { version: 1, said: after.said, firstSeenMs: { 'key alice SHA256:x': nowMs } })
  t.true((await readdir(join(data, 'posture'))).includes(nameOf(lastFile)))
  t.deepEqual(whatToSay(await next.recall(), facts, nowMs + 1).say, [])
  await writeFile(join(data, 'posture', 'said.json'), '{"version":1,"sai')
  t.deepEqual(await next.recall(), nothingSaid)
})

test('while the agent has no room nothing is lost: the same events come again with the same ids', async (t) => {
  const data = await dataFolder(t)
  await leave(data, nowMs)
  let refused = 0
  const { events } = inboxOf(t, data, ({ check }) => {
    if (check !== 'idle-timeout' || refused >= 3) return null
    refused += 1
    return new BartizanError('BTZ_SPOOL_FULL', 'full')
  })
  await until(() => checksOf(events).includes('idle-timeout'), { limitMs })
  t.is(refused, 3)
  t.deepEqual([...new Set(events.map(({ id, check }) => `${id} ${check}`))].length, 3)
})

test('what is no file of facts is reported, and the next one is taken', async (t) => {
  const data = await dataFolder(t)
  await mkdir(join(data, 'posture'), { mode: 0o700 })
  for (const [number, text] of ['{', '{"version":2}', 'x'.repeat(2_000_000)].entries())
    await writeFile(join(data, 'posture', nameOf(number + 1)), text)
  await leave(data, nowMs)
  const { events } = inboxOf(t, data)
  await until(() => events.length === 6, { limitMs })
  t.deepEqual(
    events.map(({ kind }) => kind),
    [...Array(3).fill('recorder_health'), ...Array(3).fill('posture')],
  )
})

test('facts that others could have put there are not taken, and that is said once', async (t) => {
  const data = await dataFolder(t)
  await leave(data, nowMs)
  await chmod(join(data, 'posture'), 0o777)
  const { events } = inboxOf(t, data)
  await until(() => events.length > 0, { limitMs })
  t.like(events[0], { kind: 'recorder_health', source: 'posture' })
  await chmod(join(data, 'posture'), 0o750)
  await until(() => events.length > 1, { limitMs })
  t.deepEqual(checksOf(events).slice(1), ['mfa-required', 'root-login', 'idle-timeout'])
})

test('root does not write where a link leads, nor where others may write, nor without an agent', async (t) => {
  const data = await dataFolder(t)
  const elsewhere = await temporaryFolder(t)
  await symlink(elsewhere, join(data, 'posture'))
  await t.throwsAsync(leave(data, nowMs), { code: 'BTZ_DATA_UNWRITABLE' })
  await rename(join(data, 'posture'), join(data, 'old'))
  await mkdir(join(data, 'posture'))
  await chmod(join(data, 'posture'), 0o777)
  await t.throwsAsync(leave(data, nowMs), { code: 'BTZ_DATA_UNWRITABLE' })
  await t.throwsAsync(leave(elsewhere, nowMs), { code: 'BTZ_NOT_RUNNING' })
  t.deepEqual(await readdir(elsewhere), [])
})

test('others than the agent’s group cannot read what is wrong with the bastion', async (t) => {
  const data = await dataFolder(t)
  await leave(data, nowMs)
  const modeOf = async (path: string) => (await stat(join(data, path))).mode & 0o777
  t.is(await modeOf('posture'), 0o750)
  for (const name of await readdir(join(data, 'posture')))
    t.is(await modeOf(`posture/${name}`), name === 'said.json' ? 0o600 : 0o640)
})

test('when nobody takes the facts, more of them are refused with the reason', async (t) => {
  const data = await dataFolder(t)
  await leave(data, nowMs)
  for (let number = 1; number <= 1_000; number++) await writeFile(join(data, 'posture', nameOf(number)), '{}')
  await t.throwsAsync(leave(data, nowMs), { code: 'BTZ_SPOOL_FULL', message: /1001 files/ })
})

test('facts of many people are left in several files, none larger than the agent reads', (t) => {
  const many = Array.from({ length: 5_000 }, (_, index) => ({ ...facts[0]!, user: `u${index}` }))
  const files = toldFiles('b1', nowMs, many)
  t.true(files.length > 1)
  t.true(files.every((file) => file.length <= 1024 * 1024))
  t.is(
    files.reduce((sum, file) => sum + (JSON.parse(file) as { events: unknown[] }).events.length, 0),
    5_000,
  )
  t.deepEqual(toldFiles('b1', nowMs, []), [])
  t.is(nothingSaid.lastFile, 0)
})
