import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import test, { type ExecutionContext } from 'ava'
import { realTest } from '#test/helpers/real.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { until } from '#test/helpers/until.ts'
import { type Console, startConsole } from './console.ts'
import { bootMachine, installDebian, type Machine } from './machine.ts'
import { addPerson, agentOf, build, followRecipe, install, logIn, show, tellAgent } from './steps.ts'

const execute = promisify(execFile)
const sockets = ['bartizan-agent', 'bartizan-agent-standby', 'bartizan-record', 'bartizan-tty-probe']
const units = [...sockets.map((name) => `${name}.socket`), 'bartizan-agent.service', 'bartizan-posture.timer']
const scores: Record<string, number> = {
  'bartizan-agent': 2,
  'bartizan-agent-standby': 2,
  'bartizan-tty-probe@': 2,
  'bartizan-posture': 4,
}

/** Kind, mode, owner, name and content of every file, but for what every package, login and start of Debian leaves. */
const everyFile = async ({ sh }: Machine): Promise<string[]> => {
  const kept = [
    '/var/lib/dpkg',
    '/var/log',
    '/var/lib/systemd',
    '/var/cache',
    '/home',
    '/root',
    '/etc/[a-z]*-',
    '/etc/.pwd.lock',
  ]
  const without = kept.map((path) => `! -path '${path}' ! -path '${path}/*'`).join(' ')
  const names = await sh(
    `find / -xdev ${without} ! -type d -printf '%y %m %U:%G %p %l\\n' -o -xdev -type d ${without} -printf 'd %m %U:%G %p\\n'`,
  )
  const contents = await sh(`find /etc /opt /usr /var -xdev ${without} -type f -exec sha256sum {} +`)
  return `${names}${contents}`.split('\n').sort()
}

const recorded = async (served: Console, word: string): Promise<Record<string, unknown>[]> => {
  const { items } = JSON.parse(await served.get('/api/sessions')) as { items: Record<string, unknown>[] }
  return items.filter((item) => JSON.stringify(item).includes(word))
}
const complete = (served: Console, word: string) =>
  until(async () => (await recorded(served, word)).some(({ state }) => state === 'complete'), {
    limitMs: 30_000,
    everyMs: 250,
    what: `a complete recording of ${word}`,
  })

const looksWell = async (t: ExecutionContext<unknown>, machine: Machine): Promise<void> => {
  await until(async () => (await agentOf(machine)) !== null, { limitMs: 30_000, everyMs: 100, what: 'the agent' })
  for (const unit of units) t.is(await show(machine, unit, 'ActiveState'), 'active', unit)
  const doctor =
    'runuser -u bartizan-agent -- bartizan --config /etc/bartizan/agent.yaml doctor --json 2>/tmp/told || [ $? = 1 ]'
  const told = await machine.sh(doctor)
  t.true(told.startsWith('{'), await machine.sh('cat /tmp/told'))
  const { findings } = JSON.parse(told) as { findings: { check: string; ok: boolean }[] }
  t.deepEqual(
    findings.filter(({ ok }) => !ok),
    [],
  )
  await machine.sh(`systemd-analyze verify ${units.join(' ')} bartizan-posture.service`)
  for (const [unit, most] of Object.entries(scores)) {
    const table = await machine.run(
      'systemd-analyze',
      'security',
      '--no-pager',
      `${unit}${unit.endsWith('@') ? 'x' : ''}.service`,
    )
    const [line, score] = /exposure level for \S+ ([0-9.]+).*/.exec(table) ?? []
    t.log(line)
    t.true(Number(score) <= most, line)
  }
}

/** With the first port closed sudo goes to the second; nobody has to be told of the agent. */
const standsBy = async (t: ExecutionContext<unknown>, machine: Machine, served: Console): Promise<void> => {
  const { sh } = machine
  await sh(
    'install -m 440 /opt/bartizan/app/deploy/agent/sudoers-standby /etc/sudoers.d/bartizan-standby && visudo -cq',
  )
  await sh('systemctl stop bartizan-agent.socket bartizan-record.socket')
  const during = logIn(machine, ['alice@127.0.0.1', 'echo begun-third'])
  await during.ended
  t.regex(during.output(), /^begun-third$/m)
  t.is(await show(machine, 'bartizan-agent.service', 'ActiveState'), 'inactive')
  await sh('systemctl start bartizan-agent.socket bartizan-record.socket bartizan-agent.service')
  await complete(served, 'begun-third')
}

test.serial('the same sources give the same package, byte by byte', async (t) => {
  const folder = await temporaryFolder(t)
  const files = [await build(join(folder, 'a'), '0.0.1'), await build(join(folder, 'b'), '0.0.1')]
  const [first, second] = await Promise.all(
    files.map(async (file) =>
      createHash('sha256')
        .update(await readFile(file))
        .digest('hex'),
    ),
  )
  t.is(first, second)
  const { stdout } = await execute('dpkg-deb', ['--contents', files[0]!])
  t.notRegex(stdout, /^\S+ (?!root\/root )/m)
})

realTest(
  test,
  ['root', 'debootstrap', 'dpkg-deb', 'unshare', 'nsenter', 'ip'],
  'the package in a clean Debian of debootstrap, under a systemd of its own in namespaces (PID 1 of this machine is none): installed, records, stands by, upgraded under an open session, removed, purged, nothing left',
  async (t) => {
    t.timeout(600_000)
    const folder = await temporaryFolder(t)
    const debian = join(folder, 'debian')
    await mkdir(debian)
    const [first, second] = await Promise.all([build(folder, '0.0.1'), build(folder, '0.0.2'), installDebian(debian)])
    const machine = await bootMachine(t, debian)
    const { sh, run } = machine
    await addPerson(machine, 'alice')
    await addPerson(machine, 'bob') // nobody that the recipe records
    const before = await everyFile(machine)

    await install(machine, first)
    const served = await startConsole(t, machine)
    await tellAgent(machine, served)
    await followRecipe(machine)
    await looksWell(t, machine)
    t.regex(await run('ps', '-o', 'user:20=', '-p', String(await agentOf(machine))), /^bartizan-agent\s*$/)

    const typed = logIn(machine, ['bob@127.0.0.1', 'bartizan record -- sh -c "echo begun-of-bob"'])
    await typed.ended
    t.regex(typed.output(), /^begun-of-bob\r?$/m)
    await complete(served, 'begun-of-bob')
    await standsBy(t, machine, served)

    const open = logIn(machine, [
      '-tt',
      'alice@127.0.0.1',
      'echo begun-first; read -rs secret; read -r word; echo ended-$word',
    ])
    await until(() => open.output().includes('begun-first'), { limitMs: 30_000, what: 'a recorded session' })
    open.child.stdin!.write('correct-horse-battery\n')
    const probed = async () => (await run('systemctl', 'list-units', 'bartizan-tty-probe@*')).includes('loaded active')
    await until(probed, { limitMs: 30_000, everyMs: 100, what: 'the probe of terminals' })

    const socket = await show(machine, 'bartizan-agent.socket', 'ActiveEnterTimestampMonotonic')
    await install(machine, second)
    t.is(await show(machine, 'bartizan-agent.socket', 'ActiveEnterTimestampMonotonic'), socket, 'the port was held')
    const later = logIn(machine, ['alice@127.0.0.1', 'echo begun-second'])
    await later.ended
    t.regex(later.output(), /^begun-second$/m)
    open.child.stdin!.end('well\n')
    await open.ended
    t.regex(open.output(), /^ended-well\r?$/m)
    for (const word of ['begun-first', 'begun-second']) await complete(served, word)
    for (const { id } of await recorded(served, 'begun-first')) {
      t.notRegex(await served.get(`/api/sessions/${String(id)}/export?format=ndjson`), /correct-horse-battery/)
    }
    await looksWell(t, machine)
    const agents = async () => (await sh('pgrep -cu bartizan-agent -x MainThread || true')).trim()
    await until(async () => (await agents()) === '1', {
      limitMs: 120_000, // the one that stood by waits for a minute
      everyMs: 100,
      what: 'the end of the agents before',
    })
    const spools = 'find /var/lib/bartizan-agent/agent -name spool | wc -l'
    await until(async () => (await sh(spools)).trim() === '1', { limitMs: 30_000, everyMs: 250, what: 'one spool' })
    await sh('systemctl start bartizan-posture.service || { journalctl -u bartizan-posture.service; exit 1; }')
    t.regex(await sh('ls /var/lib/bartizan-agent/posture'), /said\.json/)

    await run('dpkg', '--remove', 'bartizan-agent')
    t.is((await sh('ls -d /opt/bartizan /usr/bin/bartizan 2>/dev/null || true')).trim(), '')
    t.regex(await sh('ls /etc/bartizan /var/lib/bartizan-agent/agent'), /agent\.yaml[\s\S]*identity\.key/)
    t.is((await sh('pgrep -u bartizan-agent || true')).trim(), '')
    t.regex(await run('getent', 'passwd', 'alice'), /:\/bin\/bash\s$/)
    await run('dpkg', '--purge', 'bartizan-agent')
    const after = await everyFile(machine)
    t.deepEqual(
      { left: after.filter((line) => !before.includes(line)), gone: before.filter((line) => !after.includes(line)) },
      { left: [], gone: [] },
    )
  },
)
