import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import test from 'ava'
import { bartizan, startProduct } from '#test/helpers/running.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { until } from '#test/helpers/until.ts'

type Total = { total: { value: number } }
const limitMs = 60_000
const real = new URL('../fixtures/sshd/openssh-9.2-verbose-real', import.meta.url).pathname

/** Many failures, each an event of its own. */
const guesses = (count: number): string =>
  Array.from({ length: count }, (_, n) => {
    const time = new Date(Date.UTC(2026, 10, 22) + n * 1000).toISOString()
    return `${time} bastion sshd[${5000 + n}]: Failed password for root from 203.0.113.9 port ${10_000 + n} ssh2\n`
  }).join('')

test('what was followed live is not imported once more, and an import that was killed is made up for by the next', async (t) => {
  t.timeout(5 * 60_000)
  const folder = await temporaryFolder(t)
  const logFile = join(folder, 'auth.log')
  const log = await readFile(`${real}.log`, 'utf8')
  const { events } = JSON.parse(await readFile(`${real}.json`, 'utf8')) as { events: unknown[] }
  await writeFile(logFile, log)
  const product = await startProduct(t, { env: { BARTIZAN_OPENSSH_LOG: logFile } })
  const total = async (): Promise<number> =>
    (
      (await product.api(
        '/api/events?kind=login,login_failed,session_started,session_ended,file_transfer,port_forward&limit=1',
      )) as Total
    ).total.value
  const reaches = (count: number) =>
    until(async () => (await total()) >= count, { limitMs, what: `${count} events` }).then(async () =>
      t.is(await total(), count),
    )
  await reaches(events.length)

  const count = 5_100 // more than one request holds
  const rotated = join(folder, 'auth.log.1.gz')
  await writeFile(rotated, gzipSync(log + guesses(count)))
  const args = ['import', '--format', 'openssh', '--bastion', 'test-bastion', '--json', rotated]
  const killed = bartizan(args, { BARTIZAN_DATA: product.data })
  await until(async () => killed.child.exitCode !== null || (await total()) > events.length, { limitMs })
  killed.child.kill('SIGKILL')
  await killed.exited
  const run = bartizan(args, { BARTIZAN_DATA: product.data })
  t.is(await run.exited, 0, run.output())
  t.like(JSON.parse(run.output()), { files: 1, rejected: [], rejectedMore: 0 })
  await reaches(events.length + count)
  t.is(await product.stop(), 0)
})
