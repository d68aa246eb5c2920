import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import test from 'ava'
import type { SessionEvent } from '#services/schema/session-event.ts'
import { bastionPrograms, startBastion } from '#test/helpers/bastion.ts'
import { clientOptions, run } from '#test/helpers/bastion-client.ts'
import { realTest } from '#test/helpers/real.ts'
import { sessionsOf } from '#test/helpers/recorded.ts'
import { type Product, startProduct } from '#test/helpers/running.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { until } from '#test/helpers/until.ts'

const limitMs = 30_000

const eventsOf = async (product: Product, kind: string): Promise<SessionEvent[]> =>
  ((await product.api(`/api/events?kind=${kind}&limit=100`)) as { items: SessionEvent[] }).items

realTest(
  test,
  [...bastionPrograms, 'ssh-keygen'],
  'what sshd logs is joined with what was recorded: the login of a session, a tunnel without one, a key that was refused',
  async (t) => {
    t.timeout(10 * 60_000)
    const folder = await temporaryFolder(t)
    const logFile = join(folder, 'sshd.log')
    const env = { BARTIZAN_OPENSSH_LOG: logFile, BARTIZAN_DETECTORS_RECORDING_GAP_GRACE_MS: '5000' }
    const product = await startProduct(t, { env })
    const bastion = await startBastion(t, { sudoPort: product.endpoints.sudoPort, logFile })
    const user = bastion.users[0]!

    const wrongKey = join(folder, 'wrong_key')
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', wrongKey])
    const target = { port: bastion.port, keyFile: wrongKey, key: '' }
    t.is((await run('ssh', [...clientOptions(target), `${user.name}@127.0.0.1`, 'true'])).code, 255)

    t.is((await bastion.ssh(user, 'echo seen')).stdout.toString(), 'seen\n')
    const connection = await bastion.keepConnection(user)
    await bastion.ssh(user, null, { options: [...connection, '-O', 'exit'] })

    await until(async () => (await eventsOf(product, 'login')).length === 2, { limitMs, what: 'both logins' })
    const refused = await eventsOf(product, 'login_failed')
    t.true(refused.length >= 1)
    for (const event of refused) t.like(event, { source: 'openssh', user: user.name, sourceIp: '127.0.0.1' })

    const [fingerprint] = /SHA256:\S+/.exec(
      execFileSync('ssh-keygen', ['-l', '-f', join(bastion.wrapper, '..', 'client_key.pub')], { encoding: 'utf8' }),
    )!
    const of = (state: string) => sessionsOf(product, `user=${user.name}&state=${state}`)
    await until(async () => (await of('tunnel_only')).length === 1 && (await of('complete')).length === 1, {
      limitMs,
      what: 'the recorded session and the tunnel',
    })
    const [recorded] = await of('complete')
    const [tunnel] = await of('tunnel_only')
    t.like(recorded, { recorded: true, hook: 'sudo', bastion: 'test-bastion' })
    t.like(recorded!.login, { method: 'publickey', keyFingerprint: fingerprint, failuresBefore: refused.length })
    t.true(Date.parse(recorded!.login!.at) <= Date.parse(recorded!.startedAt))
    t.like(tunnel, {
      recorded: false,
      hook: 'openssh',
      evidence: 'none',
      sourceIp: '127.0.0.1',
    })
    t.like(tunnel!.login, { keyFingerprint: fingerprint })
    t.not(tunnel!.endedAt, null)
    t.is((await sessionsOf(product, `user=${user.name}`)).length, 2)
    t.is(await product.stop(), 0)
  },
)
