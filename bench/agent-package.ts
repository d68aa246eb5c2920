import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { until } from '#test/helpers/until.ts'
import { startConsole } from '#test/package/console.ts'
import { bootMachine, installDebian } from '#test/package/machine.ts'
import { addPerson, agentOf, build, followRecipe, install, logIn, tellAgent } from '#test/package/steps.ts'

/** The agent of the package in a clean Debian: memory and processor time with nobody and with 50 who do nothing. */
const settleMs = 15_000
const spanMs = 40_000
const sessions = 50
const ticksPerSecond = 100

const closers: (() => unknown)[] = []
const t = { teardown: (run: () => unknown) => void closers.unshift(run) }

const usage = async (pid: number): Promise<{ ticks: number; memory: string }> => {
  const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).replace(/^.*\) /, '').split(' ')
  const rollup = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8')
  const mib = (name: string) => Math.round(Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(rollup)?.[1]) / 1024)
  return {
    ticks: Number(fields[11]) + Number(fields[12]),
    memory: `RSS ${mib('Rss')} MiB, of these private ${mib('Private_Dirty')}`,
  }
}

/** Of the process that has this number in the machine. */
const outsideOf = async (inside: readonly string[], pid: number): Promise<number> => {
  const init = Number(inside[2])
  const pids = await readFile(`/proc/${init}/task/${init}/children`, 'utf8')
  const queue = pids.trim().split(' ').map(Number)
  for (const each of queue) {
    const status = await readFile(`/proc/${each}/status`, 'utf8').catch(() => '')
    if (new RegExp(`^NSpid:.*\\s${pid}$`, 'm').test(status)) return each
    const children = await readFile(`/proc/${each}/task/${each}/children`, 'utf8').catch(() => '')
    queue.push(...children.trim().split(' ').filter(Boolean).map(Number))
  }
  throw new Error(`no process ${pid} in the machine`)
}

const measure = async (name: string, pid: number): Promise<void> => {
  await wait(settleMs)
  const before = await usage(pid)
  await wait(spanMs)
  const after = await usage(pid)
  const percent = (100 * (after.ticks - before.ticks)) / ticksPerSecond / (spanMs / 1000)
  process.stdout.write(`${name}: ${after.memory}; ${percent.toFixed(2)} % of a core\n`)
}

const folder = await mkdtemp(join(tmpdir(), 'bartizan-bench-'))
try {
  const debian = join(folder, 'debian')
  await mkdir(debian)
  const [file] = await Promise.all([build(folder, '0.0.1'), installDebian(debian)])
  const machine = await bootMachine(t, debian)
  await addPerson(machine, 'alice')
  await install(machine, file)
  await tellAgent(machine, await startConsole(t, machine))
  await followRecipe(machine)
  await until(async () => (await agentOf(machine)) !== null, { limitMs: 30_000 })
  const pid = await outsideOf(machine.inside, (await agentOf(machine))!)
  await measure('nobody', pid)
  for (let n = 1; n <= sessions; n++) {
    const login = logIn(machine, ['-tt', 'alice@127.0.0.1'])
    await until(() => login.output().includes('$ '), { limitMs: 60_000, what: `session ${n}` })
  }
  await measure(`${sessions} shells at their prompts`, pid)
} finally {
  for (const close of closers) await close()
  await rm(folder, { recursive: true, force: true })
}
