import test from 'ava'
import { realTest } from '#test/helpers/real.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { until } from '#test/helpers/until.ts'
import { makeCertificates } from './certificates.ts'
import { startReceiver } from './receiver.ts'
import { commands, gaps, sendAll, syslogSink } from './sending.ts'

const eventCount = 10_000

for (const program of ['rsyslogd', 'syslog-ng'] as const)
  realTest(test, [program, 'openssl'], `${program} gets 10,000 events over TLS, complete and in order`, async (t) => {
    const certificates = makeCertificates(await temporaryFolder(t))
    const receiver = await startReceiver(t, program, { transport: 'tls', certificates, wantsClient: true })
    const { ca, client } = certificates
    const sink = await syslogSink(t, { port: receiver.port, caFile: ca, certFile: client.cert, keyFile: client.key })
    await sendAll(sink, commands(eventCount))
    await sink.close()
    await until(async () => (await receiver.lines()).length >= eventCount, { limitMs: 30_000, everyMs: 100 })
    const lines = await receiver.lines()
    t.deepEqual(gaps(lines, eventCount), [])
    t.is(lines.length, eventCount, 'and nothing twice, since nothing was lost')
  })

realTest(test, ['rsyslogd', 'openssl'], 'a receiver that is killed -9 three times misses no event', async (t) => {
  const certificates = makeCertificates(await temporaryFolder(t))
  const receiver = await startReceiver(t, 'rsyslogd', { transport: 'tls', certificates })
  const sink = await syslogSink(t, { port: receiver.port, caFile: certificates.ca })
  const starts: Promise<void>[] = []
  // It reads nothing of the batch before it is killed: the kernels have that, and lose it.
  const pauseAt = new Set([1800, 4800, 7800])
  let isPaused = false
  await sendAll(sink, commands(eventCount), async (sent) => {
    if (isPaused) {
      await receiver.kill()
      starts.push(receiver.start())
    }
    isPaused = pauseAt.delete(sent)
    if (isPaused) receiver.pause()
  })
  await Promise.all(starts)
  await sink.close()
  t.is(starts.length, 3)
  t.deepEqual(gaps(await receiver.lines(), eventCount), [])
})
