import { chmod, mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import type { Finding } from '#services/finding.ts'
import { canMount, remountReadOnly, smallDisk } from '#test/helpers/mounted-folder.ts'
import { missing } from '#test/helpers/real.ts'
import { adminToken, bartizan, killIfAlive, startProduct } from '#test/helpers/running.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { until } from '#test/helpers/until.ts'

type Answer = { code: number | null; ok: boolean; findings: Finding[]; of(check: string): Finding }

const smallSpool = `${8 * 1024 * 1024}`
const quiet = { BARTIZAN_HTTP_PORT: '0', BARTIZAN_SUDO_PORT: '0', BARTIZAN_AGENT_SPOOL_MAX_BYTES: smallSpool }

const ask = async (data: string, env: NodeJS.ProcessEnv = {}): Promise<Answer> => {
  const run = bartizan(['doctor', '--json'], { ...quiet, BARTIZAN_DATA: data, ...env })
  const code = await run.exited
  const { ok, findings } = JSON.parse(run.output()) as { ok: boolean; findings: Finding[] }
  const of = (check: string) =>
    findings.find((finding) => finding.check === check) ?? { check, ok: false, detail: run.output() }
  return { code, ok, findings, of }
}
const isWrong = (t: ExecutionContext, answer: Answer, check: string, detail: RegExp, fix: RegExp) => {
  const finding = answer.of(check)
  t.false(finding.ok, JSON.stringify(finding))
  t.regex(finding.detail, detail)
  t.regex(finding.fix ?? '', fix)
  t.false(answer.ok)
  t.is(answer.code, 1)
}
const listening = async (t: ExecutionContext, server: Server | ReturnType<typeof createTcpServer>): Promise<number> => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  return (server.address() as AddressInfo).port
}

test('of a running product all is well, and nothing secret is said', async (t) => {
  const product = await startProduct(t)
  const env = { BARTIZAN_BASTION: 'test-bastion' }
  let answer = await ask(product.data, env)
  await until(
    async () => {
      answer = await ask(product.data, env) // what the agent said at its start has to reach the index first
      return answer.ok
    },
    { limitMs: 30_000, everyMs: 200, what: `all is well: ${JSON.stringify(answer.findings)}` },
  )
  t.is(answer.code, 0)
  for (const check of ['instance', 'agent', 'agent spool', 'agent heartbeat', 'secrets', 'keys', 'masking']) {
    t.is(answer.of(check).skipped, undefined, check)
  }
  t.regex(answer.of('agent heartbeat').detail, /ok, the agent has started/)
  t.false(JSON.stringify(answer).includes(adminToken))
})

test('console and agent that were killed are found, each with what mends it', async (t) => {
  const product = await startProduct(t)
  product.child.kill('SIGKILL')
  await product.exited
  killIfAlive(product.endpoints.agentPid)
  // Whoever takes the place of its parent clears it away in their own time.
  await until(async () => (await ask(product.data)).of('agent').detail.includes('has ended'), { limitMs: 30_000 })
  const answer = await ask(product.data)
  isWrong(t, answer, 'instance', /has ended without a farewell/, /start it again/)
  isWrong(t, answer, 'agent', /has ended without a farewell/, /start it again/)
})

test('a console that hangs is a finding, not a hang', async (t) => {
  const product = await startProduct(t)
  product.child.kill('SIGSTOP')
  t.teardown(() => product.child.kill('SIGKILL'))
  const startedMs = performance.now()
  isWrong(t, await ask(product.data), 'instance', /does not answer/, /its log/)
  t.true(performance.now() - startedMs < 60_000)
})

test('a spool that fills up is found', async (t) => {
  const product = await startProduct(t)
  const answer = await ask(product.data, { BARTIZAN_AGENT_SPOOL_MAX_BYTES: '400' })
  isWrong(t, answer, 'agent spool', /% of \d+ bytes wait/, /receiver/)
})

test('secrets that others can read, and keys without their master key, are found', async (t) => {
  const data = join(await temporaryFolder(t), 'data')
  await mkdir(join(data, 'keys', 'ab'), { recursive: true })
  for (const folder of [data, join(data, 'keys')]) await chmod(folder, 0o700)
  await writeFile(join(data, 'owner.token'), 'secret-of-the-owner', { mode: 0o644 })
  await chmod(join(data, 'owner.token'), 0o644)
  const answer = await ask(data)
  isWrong(t, answer, 'secrets', /owner\.token has mode 644/, /chmod go=/)
  isWrong(t, answer, 'keys', /master key .* is missing/, /copy/)
  t.false(JSON.stringify(answer).includes('secret-of-the-owner'))
})

test('a password file that is not there is found', async (t) => {
  const answer = await ask(await temporaryFolder(t), { BARTIZAN_KAFKA_PASSWORD_FILE: '/nowhere/password' })
  isWrong(t, answer, 'secrets', /\/nowhere\/password cannot be read/, /setting/)
})

test('a port that another program holds is found', async (t) => {
  const port = await listening(
    t,
    createTcpServer((socket) => socket.destroy()),
  )
  const data = await temporaryFolder(t)
  const answer = await ask(data, { BARTIZAN_HTTP_PORT: `${port}`, BARTIZAN_SUDO_PORT: `${port}` })
  isWrong(t, answer, 'console port', /another program listens/, /BARTIZAN_HTTP_PORT/)
  isWrong(t, answer, 'sudo port', /another program listens/, /BARTIZAN_SUDO_PORT/)
})

test('a receiver whose clock is an hour off is found; one that is right is not', async (t) => {
  const data = await temporaryFolder(t)
  for (const [offMs, ok] of [
    [0, true],
    [3_600_000, false],
  ] as const) {
    const port = await listening(
      t,
      createServer((_request, response) => {
        response.setHeader('date', new Date(Date.now() + offMs).toUTCString()).end('{}')
      }),
    )
    const answer = await ask(data, { BARTIZAN_UPLINK_URL: `http://127.0.0.1:${port}` })
    t.is(answer.of('clock of the receiver').ok, ok, JSON.stringify(answer.findings))
    if (!ok) isWrong(t, answer, 'clock of the receiver', /3[56]\d\d s behind/, /NTP/)
  }
})

test('a receiver that takes the connection and says nothing is a finding, not a hang', async (t) => {
  const port = await listening(
    t,
    createTcpServer(() => {}),
  )
  const startedMs = performance.now()
  const answer = await ask(await temporaryFolder(t), { BARTIZAN_UPLINK_URL: `http://127.0.0.1:${port}` })
  t.true(performance.now() - startedMs < 60_000)
  isWrong(t, answer, 'clock of the receiver', /does not answer/, /address/)
})

test('a data folder that is not there is not made, and is no fault', async (t) => {
  const folder = await temporaryFolder(t)
  const answer = await ask(join(folder, 'data'))
  t.true(answer.of('data folder').ok)
  t.deepEqual(await readdir(folder), [])
})

const mounting = missing('mkfs.ext4', 'mount') === null && canMount
const onDisk = mounting ? test.serial : test.serial.skip

onDisk('a read-only disk and a full one are found', async (t) => {
  const disk = await smallDisk(t, 4 * 1024 * 1024)
  isWrong(t, await ask(disk), 'disk bytes', /MiB free .*8 MiB are wanted/, /free space/)
  remountReadOnly(disk)
  isWrong(t, await ask(disk), 'data folder', /read-only file system/, /mount/)
})

onDisk('a disk without inodes is found', async (t) => {
  const disk = await smallDisk(t, 16 * 1024 * 1024)
  const made: string[] = []
  await t.throwsAsync(
    async () => {
      for (;;) {
        await writeFile(join(disk, `f${made.length}`), '')
        made.push(`f${made.length}`)
      }
    },
    { code: 'ENOSPC' },
  )
  await rm(join(disk, made[0]!))
  isWrong(t, await ask(disk), 'disk inodes', /free \(0\.\d %\)/, /inodes/)
})

test('a person reads what is wrong last, with how to mend it', async (t) => {
  const data = await temporaryFolder(t)
  const run = bartizan(['doctor'], { ...quiet, BARTIZAN_DATA: data, BARTIZAN_KAFKA_PASSWORD_FILE: '/nowhere/password' })
  t.is(await run.exited, 1)
  t.regex(run.output(), /ok {2}node: .*BAD secrets: .*\n {6}mend: .*\n\n1 to mend; \d+ could not be looked at/s)
})

test('wrong usage and wrong configuration end with 2', async (t) => {
  t.is(await bartizan(['doctor', '--wrong']).exited, 2)
  t.is(await bartizan(['doctor'], { BARTIZAN_NONSENSE: '1' }).exited, 2)
})
