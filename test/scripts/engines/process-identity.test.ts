import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import test, { type ExecutionContext } from 'ava'
import { isAlive } from '#test/helpers/running.ts'
import { until } from '#test/helpers/until.ts'
import {
  identify,
  isRunning,
  type ProcessIdentity,
  parseStat,
  signalProcess,
  stopProcess,
} from '../../../scripts/engines/process-identity.ts'

/** A shell that leads a process group, as the engines do. It says something when it runs. */
const startShell = async (
  t: ExecutionContext,
  script: string,
): Promise<{ child: ChildProcess; identity: ProcessIdentity; said: string }> => {
  const child = spawn('sh', ['-c', script], { detached: true, stdio: ['ignore', 'pipe', 'ignore'] })
  t.teardown(() => {
    if (child.exitCode === null && child.signalCode === null) process.kill(-child.pid!, 'SIGKILL')
  })
  const [said] = (await once(child.stdout!, 'data')) as [Buffer]
  return { child, identity: (await identify(child.pid!))!, said: said.toString('utf8').trim() }
}

test('a process is known by its pid, its start and this boot of the machine', async (t) => {
  const own = (await identify(process.pid))!
  t.true(await isRunning(own))
  t.false(await isRunning({ ...own, startTicks: `${Number(own.startTicks) + 1}` }))
  t.false(await isRunning({ ...own, bootId: 'another' }))
  t.is(await identify(2 ** 22 + 1), null) // PID_MAX_LIMIT of Linux is 2^22
})

test('a process that has got the pid of ours is neither stopped nor signalled', async (t) => {
  const { child, identity } = await startShell(t, 'echo up; exec sleep 60')
  const ours = { ...identity, startTicks: `${Number(identity.startTicks) - 1}` }
  await stopProcess(ours)
  await signalProcess(ours, 'SIGKILL')
  t.true(await isRunning(identity))
  t.is(child.signalCode, null)
})

test('a process that ignores SIGTERM is killed after the limit', async (t) => {
  const { child, identity } = await startShell(t, "trap '' TERM; echo up; while :; do sleep 1; done")
  await stopProcess(identity, 300)
  t.false(await isRunning(identity))
  await until(() => child.signalCode === 'SIGKILL', { what: 'SIGKILL' })
})

test('children go with their leader, also those that outlive its SIGTERM', async (t) => {
  const { said, identity } = await startShell(t, "(trap '' TERM; while :; do sleep 1; done) & echo $!; wait")
  t.true(isAlive(Number(said)))
  await stopProcess(identity, 300)
  await until(async () => (await identify(Number(said))) === null, { what: 'end of the child' })
  t.false(await isRunning(identity))
})

test('a process that SIGSTOP holds ends by SIGTERM', async (t) => {
  const { child, identity } = await startShell(t, 'echo up; exec sleep 60')
  await signalProcess(identity, 'SIGSTOP')
  await stopProcess(identity)
  await until(() => child.signalCode !== null || child.exitCode !== null, { what: 'its end' })
  t.is(child.signalCode, 'SIGTERM')
})

const rest = `1 77 77 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 991 ${'0 '.repeat(30)}`

test('the name of a process cannot pass for its numbers', (t) => {
  t.deepEqual(parseStat(`77 (a) Z 1 1 (b) S ${rest}`), { group: 77, startTicks: '991' })
})

test('a zombie has ended', (t) => {
  t.is(parseStat(`77 (java) Z ${rest}`), null)
  t.is(parseStat(''), null)
})
