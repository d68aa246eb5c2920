import { appendFile, readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { startAuditdHook } from '#hooks/auditd/auditd-hook.ts'
import { Config } from '#services/config.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { until } from '#test/helpers/until.ts'
import { configOf, endingOf, eventsOf, openCore, openingOf, silent } from '#test/hooks/agent/core.ts'

const limitMs = 30_000
const fixture = (name: string) => readFile(new URL(`../../fixtures/auditd/${name}`, import.meta.url), 'utf8')

const start = async (t: ExecutionContext, data: string, core: Awaited<ReturnType<typeof openCore>>, name = 'audit') => {
  const logFile = join(data, `${name}.log`)
  const hook = await startAuditdHook({
    config: Config.parse({ auditd: { logFile } }).auditd,
    folder: join(data, name),
    recorder: core.recorder,
    sightings: core.recorder.sightings,
    hasRoom: () => true,
    log: silent,
  })
  t.teardown(hook.close)
  return { hook, logFile }
}
const commandsOf = async (core: Awaited<ReturnType<typeof openCore>>) =>
  (await eventsOf(core)).filter(({ kind, source }) => kind === 'command' && source === 'auditd')

test('programs of real logs become command events, with the same ids by auditd and by laurel', async (t) => {
  const data = await temporaryFolder(t)
  const core = await openCore(t, configOf(data))
  const [audit, laurel] = [await start(t, data, core), await start(t, data, core, 'laurel')]
  await appendFile(audit.logFile, await fixture('audit.log'))
  await until(async () => (await commandsOf(core)).length === 4, { limitMs })
  await appendFile(laurel.logFile, await fixture('laurel.jsonl'))
  await until(async () => (await commandsOf(core)).length === 8, { limitMs })
  const events = await commandsOf(core)
  t.deepEqual(
    events.slice(0, 4).map(({ id }) => id),
    events.slice(4).map(({ id }) => id),
  )
  t.like(events[3], { argv: ['curl', '--version'], line: 'curl --version', user: null, sessionId: null, via: 'exec' })
  t.like(events[7], { runAs: 'bastion1', exitCode: null, outcome: 'success', at: '2026-11-20T23:36:03.146Z' })
})

let serial = 1
/** An exec as auditd writes it, ENRICHED. */
const exec = (words: string[], { user = 'alice', tty = 'pts7', ses = '12', auid = '1001', atMs = Date.now() } = {}) => {
  const [seconds, ms] = [Math.floor(atMs / 1000), String(atMs % 1000).padStart(3, '0')]
  const head = (type: string) => `type=${type} msg=audit(${seconds}.${ms}:${serial}):`
  const args = words.map((word, index) => `a${index}=${Buffer.from(word).toString('hex')}`).join(' ')
  const lines = [
    `${head('SYSCALL')} success=yes exit=0 ppid=1 pid=2 auid=${auid} uid=1001 euid=1001 tty=${tty} ses=${ses} exe="/x"\u001dAUID="${user}" UID="${user}" EUID="${user}"`,
    `${head('EXECVE')} argc=${words.length} ${args}`,
    `${head('PROCTITLE')} proctitle="x"`,
  ]
  serial++
  return lines.map((line) => `${line}\n`).join('')
}

test('programs are joined to the session on their terminal, and by the login session to that of a terminal below it', async (t) => {
  const data = await temporaryFolder(t)
  const core = await openCore(t, configOf(data))
  const { logFile } = await start(t, data, core)
  await appendFile(logFile, exec(['sudo', 'bash'])) // before its session is there
  await until(async () => (await commandsOf(core)).length === 1, { limitMs })
  const session = await core.recorder.open(openingOf({ startedAtMs: Date.now(), tty: '/dev/pts/7' }))
  const cases: [name: string, lines: string, sessionId: string][] = [
    ['on-terminal', exec(['on-terminal']), session.sessionId],
    ['below-it', exec(['below-it'], { tty: 'pts8' }), session.sessionId],
    ['another-login', exec(['another-login'], { tty: 'pts8', ses: '13' }), 'null'],
    ['another-user', exec(['another-user'], { user: 'bob' }), 'null'],
    ['no-login', exec(['no-login'], { auid: '4294967295', ses: '4294967295' }), 'null'],
    ['long-before', exec(['long-before'], { atMs: Date.now() - 3_600_000 }), 'null'],
  ]
  for (const [, lines] of cases) await appendFile(logFile, lines)
  await until(async () => (await commandsOf(core)).length === 7, { limitMs })
  // Events of a session are written in their order, but not in that of others'.
  const told = new Map((await commandsOf(core)).map((event) => [String((event.argv as string[])[0]), event]))
  t.deepEqual(
    cases.map(([name]) => String(told.get(name)?.sessionId)),
    cases.map(([, , sessionId]) => sessionId),
  )
  t.like(told.get('on-terminal'), { user: 'alice', sourceIp: '192.0.2.7', target: 'host-1' })
  await session.end(endingOf())
  await appendFile(logFile, exec(['told-late']))
  await until(async () => (await commandsOf(core)).length === 8, { limitMs })
  const late = (await commandsOf(core)).find(({ argv }) => (argv as string[])[0] === 'told-late')
  t.is(late?.sessionId, session.sessionId)
})

test('two sessions of one login share it: what is on neither terminal is joined to none', async (t) => {
  const data = await temporaryFolder(t)
  const core = await openCore(t, configOf(data))
  const { logFile } = await start(t, data, core)
  for (const auditSession of [12, 12])
    await core.recorder.open(openingOf({ startedAtMs: Date.now(), tty: null, auditSession }))
  await appendFile(logFile, exec(['which']))
  await until(async () => (await commandsOf(core)).length === 1, { limitMs })
  t.is((await commandsOf(core))[0]?.sessionId, null)
})

test('what the recorder of a session tells itself is not told twice', async (t) => {
  const data = await temporaryFolder(t)
  const core = await openCore(t, configOf(data))
  const { logFile } = await start(t, data, core)
  const session = await core.recorder.open(openingOf({ startedAtMs: Date.now(), tty: '/dev/pts/7' }))
  session.marker({ type: 'exec', argv: ['ls'], command: '/bin/ls', cwd: '/', runAs: 'alice' })
  await until(async () => (await eventsOf(core)).some(({ kind }) => kind === 'command'), { limitMs })
  await appendFile(logFile, exec(['ls']) + exec(['elsewhere'], { tty: 'pts9', ses: '99' }))
  await until(async () => (await commandsOf(core)).length === 1, { limitMs })
  t.deepEqual((await commandsOf(core))[0]?.argv, ['elsewhere'])
})

test('secrets on command lines are masked before anything is written', async (t) => {
  const data = await temporaryFolder(t)
  const core = await openCore(t, configOf(data))
  const { logFile } = await start(t, data, core)
  await appendFile(logFile, exec(['mysql', '-u', 'root', '--password=hunter2']))
  await until(async () => (await commandsOf(core)).length === 1, { limitMs })
  t.false(JSON.stringify(await eventsOf(core)).includes('hunter2'))
})

test('auditd’s log grows, is renamed as auditd rotates it, and the hook starts again: each program is told once', async (t) => {
  const data = await temporaryFolder(t)
  const core = await openCore(t, configOf(data))
  const first = await start(t, data, core)
  const { logFile } = first
  const names: string[] = []
  /** The records of an exec may stand on both sides of what happens to the log. */
  const write = async (between: () => Promise<unknown> = async () => undefined) => {
    names.push(`program-${names.length}`)
    const lines = exec([names.at(-1)!]).split(/(?<=\n)/)
    await appendFile(logFile, lines[0]!)
    await between()
    await appendFile(logFile, lines.slice(1).join(''))
  }
  const rotate = async () => {
    await rename(`${logFile}.1`, `${logFile}.2`).catch(() => undefined)
    await rename(logFile, `${logFile}.1`)
  }
  const told = async () => (await commandsOf(core)).map(({ argv }) => (argv as string[])[0]!)
  const allTold = () => until(async () => (await told()).length >= names.length, { limitMs, what: names.at(-1)! })

  await write()
  await write(rotate)
  await write()
  await allTold()
  await write(first.hook.close)
  await rotate()
  await write()
  await rotate()
  await write()
  await start(t, data, core)
  await allTold()
  await write(rotate)
  await allTold()
  t.deepEqual(await told(), names)
  t.is(new Set((await commandsOf(core)).map(({ id }) => id)).size, names.length)
})
