import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { writeCredentials } from '#services/agents/credentials.ts'
import { systemClock } from '#services/clock.ts'
import { loadConfig } from '#services/config.ts'
import { makeFolder } from '#services/make-folder.ts'
import { closeSharedCatalog } from '#test/helpers/ingest-backends.ts'
import { missing } from '#test/helpers/real.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { serveTlsReceiver } from '#test/helpers/tls-receiver.ts'
import { enrolment, judgeCertificate } from '../../cli/doctor/enrolment.ts'
import { inspectHeldPorts } from '../../cli/doctor/held-ports.ts'
import { askRootProbe } from '../../cli/doctor/masking.ts'

test.after.always(closeSharedCatalog)

const dayMs = 24 * 3_600_000

test('an enrolled agent: certificate, receiver and clock are looked at over its own TLS, and each fault is told apart', async (t) => {
  const { url, ca, enrolled, certify } = await serveTlsReceiver(t)
  const data = await temporaryFolder(t)
  await makeFolder(join(data, 'agent'))
  const config = loadConfig(undefined, { BARTIZAN_DATA: data })
  const look = () => enrolment.run({ config, clock: systemClock })
  t.like(await look(), [{ check: 'agent certificate', skipped: true }])

  const { tls } = await enrolled()
  const write = (more: object) =>
    writeCredentials(data, { url, bastion: 'bastion-1', ca, key: tls.key, certificate: tls.cert, ...more })
  await write({})
  const well = await look()
  t.deepEqual(
    well.map(({ check }) => check),
    ['agent certificate', 'receiver', 'clock of the receiver'],
  )
  t.like(well[1], { ok: true, detail: `${url} takes this agent for bastion-1` })
  t.true(well[2]!.ok)

  const stranger = await certify()
  await write({ key: stranger.tls.key, certificate: stranger.tls.cert })
  const refused = (await look())[1]!
  t.false(refused.ok)
  t.regex(`${refused.detail} ${refused.fix}`, /does not take .*enrol-code/)
  await write({ url: 'https://localhost:9' })
  const away = (await look())[1]!
  t.false(away.ok)
  t.regex(`${away.detail} ${away.fix}`, /cannot be asked: .*ECONNREFUSED.*start the receiver/)
  t.false(JSON.stringify([well, refused, away]).includes('PRIVATE KEY'))
})

test('a certificate is judged by the days that it is still good', async (t) => {
  const { certify } = await serveTlsReceiver(t)
  const { certificate } = await certify('bastion-1', 100)
  const endMs = certificate.validToDate.getTime()
  const at = (ms: number) => judgeCertificate(certificate, ms)
  t.true(at(endMs - 31 * dayMs).ok)
  t.regex(at(endMs - 29 * dayMs).fix ?? '', /agent rotate/)
  t.regex(at(endMs).detail, /expired/)
  t.regex(at(certificate.validFromDate.getTime() - 1).fix ?? '', /clock/)
})

const listening = async (t: ExecutionContext, server: Server, at: string | number): Promise<number> => {
  if (typeof at === 'string') server.listen(at)
  else server.listen(at, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  return typeof at === 'string' ? 0 : (server.address() as AddressInfo).port
}

const asRoot = missing('root') === null ? test : test.skip

asRoot(
  'ports of the package that nobody holds are found, with the unit that should (as root: it is who systemd is)',
  async (t) => {
    const folder = await temporaryFolder(t)
    t.like(await inspectHeldPorts(folder), [{ skipped: true }])
    const port = await listening(t, createServer(), 0)
    const gone = createServer()
    const free = await listening(t, gone, 0)
    await new Promise((resolve) => gone.close(resolve))
    await writeFile(join(folder, 'bartizan-agent.socket'), `[Socket]\nListenStream=127.0.0.1:${port}\n`)
    await writeFile(join(folder, 'bartizan-record.socket'), `[Socket]\nListenStream=127.0.0.1:${free}\n`)
    const [main, record] = await inspectHeldPorts(folder)
    t.like(main, { check: `held port ${port}`, ok: true })
    t.like(record, { check: `held port ${free}`, ok: false })
    t.regex(`${record!.detail} ${record!.fix}`, /any user may take it .*restart bartizan-record\.socket/)
  },
)

test("root's probe is asked: an answer, none, and nobody there", async (t) => {
  const folder = await temporaryFolder(t)
  const [good, mute] = [join(folder, 'good'), join(folder, 'mute')]
  await listening(
    t,
    createServer((socket) => void socket.on('data', (data) => socket.write(`${data}` === '1\n' ? 'unknown\n' : '?\n'))),
    good,
  )
  await listening(
    t,
    createServer((socket) => void socket.end()),
    mute,
  )
  t.is(await askRootProbe(good), 'unknown')
  t.is(await askRootProbe(mute), null)
  t.is(await askRootProbe(join(folder, 'none')), null)
})
