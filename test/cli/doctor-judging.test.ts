import { execFileSync } from 'node:child_process'
import { chmod, copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import { systemClock } from '#services/clock.ts'
import { loadConfig } from '#services/config.ts'
import { realTest } from '#test/helpers/real.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { runChecks } from '../../cli/doctor/check.ts'
import { judgeClock } from '../../cli/doctor/clock.ts'
import { judgeSpace } from '../../cli/doctor/disk-space.ts'
import { judgeLag } from '../../cli/doctor/lag.ts'
import { judgeMasking } from '../../cli/doctor/masking.ts'
import { judgeNode } from '../../cli/doctor/node-version.ts'
import { inspectRecipe } from '../../cli/doctor/recipe.ts'

const setup = fileURLToPath(new URL('../../hooks/sudo/setup/', import.meta.url))
const context = { config: loadConfig(undefined, {}), clock: systemClock }

test('a check that hangs and one that fails are findings, and keep nobody waiting', async (t) => {
  const findings = await runChecks(
    [
      { name: 'hangs', run: () => new Promise(() => {}) },
      { name: 'fails', run: () => Promise.reject(new Error('no such host')) },
      { name: 'works', run: async () => [{ check: 'works', ok: true, detail: 'yes' }] },
    ],
    context,
    50,
  )
  t.deepEqual(
    findings.map(({ check, ok, detail }) => [check, ok, detail]),
    [
      ['hangs', false, 'no answer within 50 ms'],
      ['fails', false, 'could not be checked: no such host'],
      ['works', true, 'yes'],
    ],
  )
  t.truthy(findings[0]!.fix)
  t.truthy(findings[1]!.fix)
})

test('an older Node than the one that the package brings is wrong', (t) => {
  t.true(judgeNode('v24.21.0', '24.21.0').ok)
  t.true(judgeNode('v24.1.0', '24.21.0').ok)
  t.true(judgeNode('v26.0.0', '24.21.0').ok)
  t.false(judgeNode('v22.19.0', '24.21.0').ok)
})

test('a clock is judged by the second that the other may have cut off and by how long it took to answer', (t) => {
  const at = Date.UTC(2026, 0, 1)
  const theirs = new Date(at).toUTCString()
  const skewed = (offMs: number, tookMs = 10) => judgeClock('clock', theirs, at + offMs, at + offMs + tookMs)
  t.true(skewed(0).ok)
  t.true(skewed(60_999).ok)
  t.false(skewed(61_001).ok)
  t.true(skewed(-60_000).ok)
  t.false(skewed(-60_020).ok)
  t.true(skewed(-63_000, 3_000).ok)
  for (const nothing of [null, '', 'yesterday']) t.true(judgeClock('clock', nothing, at, at).skipped)
})

test('free space is judged by share and by what may be needed', (t) => {
  const MiB = 1024 * 1024
  const space = { bsize: 1024, blocks: 100 * 1024, bavail: 10 * 1024, files: 1000, ffree: 100 }
  const oks = (change: Partial<typeof space>, wantedBytes: number) =>
    judgeSpace('/d', { ...space, ...change }, wantedBytes).map(({ ok }) => ok)
  t.deepEqual(oks({}, 0), [true, true])
  t.deepEqual(oks({}, 10 * MiB), [true, true])
  t.deepEqual(oks({}, 10 * MiB + 1), [false, true])
  t.deepEqual(oks({ bavail: 4 * 1024 }, 0), [false, true])
  t.deepEqual(oks({ ffree: 49 }, 0), [true, false])
  t.deepEqual(oks({ ffree: 0, files: 0 }, 0), [true, true])
})

test('a lag is judged by its oldest record, against how long the bus keeps records', (t) => {
  const of = (ageMs: number) => ({ group: 'recorder', topic: 'session-frames' as const, records: 3, ageMs })
  const [both, ...none] = judgeLag([of(0), of(25_000)], 100_000)
  t.deepEqual(none, [])
  t.true(both!.ok)
  t.regex(both!.detail, /recorder on session-frames: 6 records behind, the oldest 25 s old/)
  const [late] = judgeLag([of(0), of(25_001)], 100_000)
  t.false(late!.ok)
  t.truthy(late!.fix)
  t.deepEqual(judgeLag([], 100_000), [])
})

test('only an agent that could read terminal modes and lacks the program for it is wrong', (t) => {
  t.true(judgeMasking('auto', 0, true).ok)
  t.false(judgeMasking('auto', 0, false).ok)
  t.true(judgeMasking('auto', 1000, false).ok)
  t.true(judgeMasking('off', 0, false).ok)
})

const fill = async (name: string): Promise<string> =>
  (await readFile(join(setup, name), 'utf8'))
    .replaceAll('@GROUP@', 'bartizan-recorded')
    .replaceAll('@PORT@', '30343')
    .replaceAll('@WRAPPER@', '/opt/bartizan/bartizan-session')

const install = async (root: string): Promise<void> => {
  const files = [
    ['opt/bartizan/bartizan-session', await readFile(join(setup, 'bartizan-session'), 'utf8'), 0o755],
    ['etc/sudoers.d/bartizan', await fill('sudoers'), 0o440],
    ['etc/ssh/sshd_config.d/bartizan.conf', await fill('sshd_config'), 0o644],
  ] as const
  for (const [path, text, mode] of files) {
    await mkdir(dirname(join(root, path)), { recursive: true })
    await rm(join(root, path), { force: true })
    await writeFile(join(root, path), text)
    await chmod(join(root, path), mode)
  }
}

realTest(test, ['root'], 'the recipe as documented is well, and each way to spoil it is found', async (t) => {
  const root = await temporaryFolder(t)
  t.deepEqual(
    (await inspectRecipe(root, 30_343)).map(({ skipped }) => skipped),
    [true],
  )
  await install(root)
  t.deepEqual(
    (await inspectRecipe(root, 30_343)).map(({ ok, skipped }) => ok && !skipped),
    [true, true, true],
  )
  t.deepEqual(
    (await inspectRecipe(root, 0)).map(({ ok }) => ok),
    [true, true, true],
  )

  const spoilt = async (spoil: () => Promise<unknown>, sudoPort = 30_343) => {
    await install(root)
    await spoil()
    const findings = (await inspectRecipe(root, sudoPort)).filter(({ ok }) => !ok)
    await rm(join(root, 'etc/sudoers.d/bartizan'), { force: true })
    return findings
      .map(({ check, detail, fix }) => `${check}: ${detail} ${fix === undefined ? 'without a fix' : ''}`)
      .join('\n')
  }
  const sudoers = join(root, 'etc/sudoers.d/bartizan')
  const standby = join(root, 'etc/sudoers.d/bartizan-standby')
  await install(root)
  await copyFile(join(setup, '../../../deploy/agent/sudoers-standby'), standby)
  t.deepEqual(
    (await inspectRecipe(root, 30_343)).map(({ ok }) => ok),
    [true, true, true, true],
  )
  t.regex(await spoilt(async () => {}, 4000), /recipe standby: .* port 30343, and the agent's is 4000/)
  const one = () => writeFile(standby, 'Defaults log_servers=127.0.0.1:30345\n')
  t.regex(await spoilt(one), /recipe standby: .* does not name two log servers/)
  await rm(standby)

  t.regex(await spoilt(() => rm(sudoers)), /^recipe sudoers: .* is missing/)
  t.regex(await spoilt(async () => {}, 4000), /^recipe sudoers: .* port 30343, and the agent's is 4000/)
  const ignored = async () => writeFile(sudoers, `${await fill('sudoers')}Defaults ignore_iolog_errors\n`)
  t.regex(await spoilt(ignored), /^recipe sudoers: .* cannot be recorded/)
  t.regex(
    await spoilt(() => chmod(join(root, 'opt/bartizan/bartizan-session'), 0o777)),
    /^recipe wrapper: .*others than root/,
  )
  t.regex(
    await spoilt(() => writeFile(join(root, 'opt/bartizan/bartizan-session'), '#!/bin/sh\n')),
    /^recipe wrapper: .*not this version's/,
  )
  t.regex(
    await spoilt(() => writeFile(join(root, 'etc/ssh/sshd_config.d/bartizan.conf'), 'Match Group x\n')),
    /^recipe sshd: .* does not force/,
  )
})

realTest(test, ['root', 'runuser'], 'what only root may read is not called missing', async (t) => {
  const root = await temporaryFolder(t)
  await install(root)
  await chmod(root, 0o755)
  await chmod(join(root, 'etc/sudoers.d'), 0o750)
  const script = `
    const { inspectRecipe } = await import('${new URL('../../cli/doctor/recipe.ts', import.meta.url).href}')
    console.log(JSON.stringify(await inspectRecipe('${root}', 30343)))`
  const output = execFileSync('runuser', ['-u', 'nobody', '--', process.execPath, '--input-type=module', '-e', script])
  const findings = JSON.parse(output.toString()) as { check: string; ok: boolean; skipped?: true; detail: string }[]
  t.deepEqual(
    findings.map(({ skipped }) => skipped === true),
    [false, true, false],
  )
  t.true(
    findings.every(({ ok }) => ok),
    output.toString(),
  )
  t.regex(findings[1]!.detail, /only root may read/)
})
