import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import { bastionPrograms, startBastion } from '#test/helpers/bastion.ts'
import { realTest } from '#test/helpers/real.ts'
import { adminToken, startProduct } from '#test/helpers/running.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { until } from '#test/helpers/until.ts'
import { wholeLines } from '#test/helpers/whole-lines.ts'
import { startAgentService } from './rolling-service.ts'

const page = fileURLToPath(new URL('../../docs/record-a-bastion.md', import.meta.url))
const logins = 5 // more than rules get used to

type Sent = {
  message: string
  host: { name: string }
  user?: { name: string }
  bartizan: { alert: Record<string, unknown> }
}

/** The page's lines for the directory, but for the name of the account. */
const documentedDirectory = async (account: string): Promise<string> => {
  const [, yaml] = /^```yaml\n(.*?)^```$/ms.exec(await readFile(page, 'utf8')) ?? []
  return yaml!.replace('breakglass', account)
}

realTest(
  test,
  [...bastionPrograms, 'systemd-socket-activate', 'setsid'],
  'with the agent stopped nobody recorded gets in, the documented break-glass account does, and each of its logins is alerted once the agent is back (systemd is played by a script)',
  async (t) => {
    t.timeout(5 * 60_000)
    const folder = await temporaryFolder(t)
    const [settings, directoryFile, siem, tokenFile, logFile] = [
      'yaml',
      'directory.yaml',
      'siem',
      'token',
      'sshd.log',
    ].map((name) => join(folder, name)) as [string, string, string, string, string]
    await writeFile(directoryFile, '{}')
    await writeFile(logFile, '')
    await writeFile(tokenFile, adminToken, { mode: 0o600 })
    await writeFile(
      settings,
      JSON.stringify({ sinks: [{ name: 'siem', type: 'file', path: siem, send: { alerts: 'low' } }] }),
    )
    const server = await startProduct(t, {
      env: {
        BARTIZAN_BASTION: 'server',
        BARTIZAN_CONFIG: settings,
        BARTIZAN_DETECTORS_DIRECTORY_FILE: directoryFile,
        BARTIZAN_DETECTORS_RECORDING_GAP_GRACE_MS: '2000',
        BARTIZAN_LOG_LEVEL: 'warn',
      },
    })
    const url = `http://127.0.0.1:${server.endpoints.httpPort}`
    const agent = await startAgentService(t, { uplink: { url, tokenFile }, openssh: { logFile } })
    const bastion = await startBastion(t, { sudoPort: agent.port, outsiders: 1, logFile })
    const [user, breakGlass] = [bastion.users[0]!, bastion.outsiders[0]!]
    await writeFile(directoryFile, await documentedDirectory(breakGlass.name))
    const before = await bastion.ssh(user, 'echo recorded')
    t.is(before.stdout.toString(), 'recorded\n')

    await agent.stop()
    await until(() => agent.alive().length === 0, { limitMs: 60_000, what: 'the end of the agent' })
    const trying = bastion.ssh(user, 'echo in')
    for (let n = 0; n < logins; n++) {
      const { stdout, code } = await bastion.ssh(breakGlass, 'id -un')
      t.deepEqual([stdout.toString(), code], [`${breakGlass.name}\n`, 0])
    }
    const refused = await trying // sudo waits for its log server until log_server_timeout
    t.is(refused.stdout.toString(), '')
    t.is(refused.code, 1)
    t.regex(refused.stderr.toString(), /nothing was run, because it cannot be recorded now/)
    t.deepEqual(await wholeLines(siem), [])

    await agent.start()
    const alerts = async () => (await wholeLines(siem)).map((line) => JSON.parse(line) as Sent)
    const ofBreakGlass = async () => (await alerts()).filter((sent) => sent.user?.name === breakGlass.name)
    await until(async () => new Set((await ofBreakGlass()).map(({ bartizan }) => bartizan.alert.id)).size >= logins, {
      limitMs: 60_000,
      everyMs: 200,
      what: 'an alert for each login',
    })
    for (const { message, host, bartizan } of await ofBreakGlass()) {
      t.is(message, `${breakGlass.name}, the break-glass account, logged in and was not recorded`)
      t.is(host.name, 'test-bastion')
      t.like(bartizan.alert, { severity: 'high', gap: 'missing' })
    }
    const others = (await alerts()).filter((sent) => sent.user?.name !== breakGlass.name)
    t.deepEqual(
      others.filter((sent) => sent.user?.name !== user.name),
      [],
      'sudo that gave up while it waited for the agent is no attack',
    )
    const after = await bastion.ssh(user, 'echo recorded again')
    t.is(after.stdout.toString(), 'recorded again\n')
    t.is(await server.stop(), 0)
  },
)
