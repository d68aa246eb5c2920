import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { createTtyMode } from '#hooks/sudo/tty-mode.ts'
import { createTtyProbe } from '#hooks/sudo/tty-probe.ts'
import { createLogger } from '#services/log.ts'
import { realTest } from '#test/helpers/real.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { until } from '#test/helpers/until.ts'

const log = createLogger('probe-test', 'silent')

test('only names of pseudo terminals are asked about, and nothing is started for others', async (t) => {
  const probe = createTtyProbe(log)
  t.teardown(probe.close)
  for (const name of [
    '',
    '/dev/pts/',
    '/dev/pts/x',
    '/dev/pts/1\n/dev/pts/2',
    '/dev/tty1',
    '/dev/pts/../sda',
    '/dev/pts/12345678901',
  ]) {
    t.is(await probe.mode(name), 'unknown', name)
  }
  t.is(probe.pid, undefined)
})

realTest(test, ['perl'], 'a terminal that is not there is unknown, and the probe is still there', async (t) => {
  const probe = createTtyProbe(log)
  t.teardown(probe.close)
  const answers = await Promise.all(Array.from({ length: 1000 }, () => probe.mode('/dev/pts/4000000000')))
  t.true(answers.every((mode) => mode === 'unknown'))
  t.true(probe.pid !== undefined)
})

realTest(test, ['perl'], 'a probe that dies is started again', async (t) => {
  const probe = createTtyProbe(log)
  t.teardown(probe.close)
  await probe.mode('/dev/pts/4000000000')
  const first = probe.pid!
  process.kill(first, 'SIGKILL')
  await until(() => probe.pid === undefined)
  t.is(await probe.mode('/dev/pts/4000000000'), 'unknown')
  t.is(probe.pid, undefined, 'not at once')
  await until(async () => {
    await probe.mode('/dev/pts/4000000000')
    return probe.pid !== undefined
  })
  t.not(probe.pid, first)
})

test('a probe that hangs or is missing answers unknown in time', async (t) => {
  const hanging = join(await temporaryFolder(t), 'perl')
  await writeFile(hanging, '#!/bin/sh\nexec sleep 60\n')
  await chmod(hanging, 0o755)
  for (const perl of [hanging, '/no/such/perl']) {
    const probe = createTtyProbe(log, perl)
    t.teardown(probe.close)
    const askedMs = performance.now()
    t.is(await probe.mode('/dev/pts/0'), 'unknown')
    t.true(performance.now() - askedMs < 5_000)
    t.is(probe.pid, undefined)
  }
})

test('the terminal of a session is looked for a few times, then taken as not there (mock: no processes)', async (t) => {
  let looked = 0
  let isHeld = true
  const terminal = { name: '/dev/pts/5', holds: () => isHeld }
  const mode = createTtyMode(1, { mode: async () => 'raw' }, async () => (++looked < 3 ? null : terminal))
  t.is(await mode(), 'unknown')
  await until(async () => (await mode()) === 'raw', { everyMs: 50 })
  t.is(looked, 3)
  isHeld = false
  t.is(await mode(), 'unknown', 'its maker does not hold it any more: the reading was of another one')
  const never = createTtyMode(1, { mode: async () => 'raw' }, async () => Promise.reject(new Error('gone')))
  t.is(await never(), 'unknown')
})

test('who has no terminal for a command is not looked for again (mock: no processes)', async (t) => {
  let looked = 0
  const find = async (): Promise<'never'> => {
    looked += 1
    return 'never'
  }
  const mode = createTtyMode(1, { mode: async () => 'raw' }, find)
  const endMs = performance.now() + 500
  await until(async () => (await mode()) === 'unknown' && performance.now() > endMs)
  t.is(looked, 1)
})
