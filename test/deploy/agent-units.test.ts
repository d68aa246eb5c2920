import { execFile } from 'node:child_process'
import { copyFile, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import test, { type ExecutionContext } from 'ava'
import { startCore } from '#hooks/agent/core.ts'
import { loadIdentity } from '#services/access/identity.ts'
import type { Finding } from '#services/finding.ts'
import { Stream } from '#services/recordings/format/frame-batch.ts'
import { EndReason } from '#services/schema/generated/frame_batch_pb.ts'
import { realTest } from '#test/helpers/real.ts'
import { stepsOf } from '#test/helpers/script-steps.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { batchesOf, bytesOf, configOf, silent, spooled } from '#test/hooks/agent/core.ts'
import { layOut } from '../../scripts/package/tree.ts'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '')
const script = fileURLToPath(new URL('./by-hand.sh', import.meta.url))

let tree = ''
test.before(async () => {
  tree = await mkdtemp(join(tmpdir(), 'bartizan-tree-'))
  await layOut({ root, tree, version: '0.0.1', atSeconds: 1_767_225_600 })
})
test.after.always(() => rm(tree, { recursive: true, force: true }))

/** Who was recorded there, in order, what was shown, and whether it ended well. */
const sessionsIn = async (t: ExecutionContext<unknown>, data: string, place: string) => {
  const config = configOf(data)
  const core = await startCore(config, silent, await loadIdentity(join(data, 'agent'), silent), join(data, place))
  t.teardown(() => core.spool.close(1000))
  const ids = new Set((await spooled(core)).flatMap(({ type, sessionId }) => (type === 'batch' ? [sessionId!] : [])))
  const all = await Promise.all([...ids].map((id) => batchesOf(core, id)))
  return all.map((batches) => {
    const frames = batches.flatMap((batch) => batch.frames)
    const text = [Stream.TTYOUT, Stream.STDOUT].map((stream) => bytesOf(frames, stream).toString()).join('')
    const ended = batches.some(({ end }) => end?.reason === EndReason.EXIT)
    return { text, user: batches[0]!.start!.user, ended }
  })
}

/** systemd's own score of what a service may do: 0 is nothing. */
const worst: Record<string, number> = {
  'bartizan-agent.service': 2,
  'bartizan-agent-standby.service': 2,
  'bartizan-tty-probe@.service': 2,
  'bartizan-posture.service': 4,
}

realTest(
  test,
  ['systemd-analyze'],
  "the units of the agent's package are understood by systemd-analyze verify, and let their services do little (not started: PID 1 of this machine is no systemd)",
  async (t) => {
    const folder = join(tree, 'usr/lib/systemd/system')
    const units = (await readdir(folder)).filter((name) => !name.endsWith('.d'))
    t.is(units.length, 9)
    for (const name of (await readdir('/usr/lib/systemd/system')).filter((each) => each.endsWith('.target')))
      await copyFile(join('/usr/lib/systemd/system', name), join(folder, name))
    const { stderr } = await run('systemd-analyze', ['verify', '--man=no', `--root=${tree}`, ...units]).catch((e) => e)
    const complaints = String(stderr)
      .split('\n')
      .filter((line) => /bartizan/.test(line) && !/\/(bin\/sh|usr\/bin\/perl) is not executable/.test(line))
    t.deepEqual(complaints, [])
    for (const [unit, most] of Object.entries(worst)) {
      const how = ['security', '--no-pager', '--offline=yes', `--root=${tree}`, unit]
      const { stdout } = await run('systemd-analyze', how)
      const score = Number(/exposure level for \S+ ([0-9.]+)/.exec(stdout)?.[1])
      t.log(`${unit}: ${score}`)
      t.true(score <= most, stdout)
    }
  },
)

realTest(
  test,
  ['root', 'unshare', 'ip', 'sudo', 'visudo', 'script', 'setpriv', 'systemd-socket-activate', 'deb-systemd-helper'],
  'the command lines of the units by hand, their sockets through systemd-socket-activate (PID 1 is no systemd): sudo and bartizan record of any user are recorded as the package sets them up; with the main port closed sudo goes to the one that stands by',
  async (t) => {
    const out = await temporaryFolder(t)
    const how = ['--mount', '--net', '--pid', '--fork', '--mount-proc', '--kill-child', 'sh', script, out, tree, root]
    const { PATH } = process.env // as under a service manager: settings of these tests are none of the product
    const { stdout, stderr } = await run('unshare', how, {
      maxBuffer: 16 * 1024 * 1024,
      env: { PATH, LC_ALL: 'C.UTF-8' },
    })
    t.log(stderr)
    const steps = stepsOf(stdout)
    t.log(steps)
    t.like(steps, {
      'a session of sudo': 'by-main\n',
      'bartizan record': 'by-record\r\nalice\r\n',
      'who listens': '30343 30344\n',
      'a session, main stopped': 'by-standby\n',
      'the standby tells nobody that it is the agent': '',
    })
    t.regex(steps['bartizan record, main stopped']!, /no agent listens.*code 1/s)
    t.regex(steps['told the agent']!, /said\.json/)
    const { findings } = JSON.parse(steps.doctor!) as { findings: Finding[] }
    const said = new Map(findings.map(({ check, ok, detail }) => [check, `${ok} ${detail}`]))
    for (const port of [30_343, 30_344, 30_345]) t.regex(said.get(`held port ${port}`)!, /^true .*\.socket holds/)
    t.regex(said.get('masking')!, /^true .*root's probe .* it answers/)

    t.is(steps.enabled!.match(/^\.\/(sockets|timers|multi-user)\.target\.wants\/bartizan-/gm)?.length, 6, steps.enabled)

    const shown = (
      await Promise.all(['agent', 'agent/beside-2'].map((place) => sessionsIn(t, join(out, 'data'), place)))
    ).flat()
    t.deepEqual(shown, [
      { text: 'by-main\n', user: 'alice', ended: true },
      { text: 'by-record\r\nalice\r\n', user: 'alice', ended: true },
      { text: 'by-standby\n', user: 'alice', ended: true },
    ])
  },
)
