import test from 'ava'
import { batchHash, Stream } from '#services/recordings/format/frame-batch.ts'
import { EndReason } from '#services/schema/generated/frame_batch_pb.ts'
import { seededRandom } from '#test/helpers/seeded-random.ts'
import { connectSudoClient, loginInfos } from '#test/helpers/sudo-client.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { until } from '#test/helpers/until.ts'
import { startAgentChild } from './child.ts'
import { batchesOf, bytesOf, configOf, eventsOf, openCore } from './core.ts'

const rounds = 6
const sessionsPerRound = 5

/** Sends its own output until it is stopped or cut off. */
const stream = async (port: number, random: () => number) => {
  const client = await connectSudoClient(port)
  client.accept(loginInfos({ submituser: `user${Math.floor(random() * 1000)}` }))
  const logId = await client.logId()
  const sent: { endNs: bigint; data: Buffer }[] = []
  const running = (async () => {
    while (!client.heard.closed) {
      const size = random() < 0.05 ? 400_000 : 1 + Math.floor(random() * 6000)
      const data = Buffer.from(Array.from({ length: size }, () => Math.floor(random() * 256)))
      client.io('ttyoutBuf', data, BigInt(1 + Math.floor(random() * 9_000_000)))
      sent.push({ endNs: client.elapsedNs, data })
      await client.flushed()
      await new Promise((resolve) => setTimeout(resolve, random() * 10))
    }
  })()
  return { client, logId, sent, running }
}

test('kill -9 of the agent at seeded moments: what was acknowledged is in the spool once, cut sessions end as truncated', async (t) => {
  t.timeout(10 * 60_000)
  const seed = Number(process.env.BARTIZAN_TEST_SEED ?? Date.now() % 1_000_000)
  t.log(`seed ${seed} (BARTIZAN_TEST_SEED repeats it)`)
  const random = seededRandom(seed)
  const data = await temporaryFolder(t)
  const all: Awaited<ReturnType<typeof stream>>[] = []
  for (let round = 0; round < rounds; round++) {
    const agent = await startAgentChild(t, data, { BARTIZAN_SUDO_RESUME_GRACE_MS: '1' })
    const streams = await Promise.all(
      Array.from({ length: sessionsPerRound }, (_, index) =>
        stream(agent.sudoPort, seededRandom(seed + 100 * round + index)),
      ),
    )
    await new Promise((resolve) => setTimeout(resolve, 100 + random() * 600))
    agent.child.kill('SIGKILL')
    await agent.exit
    await Promise.all(streams.map(({ running }) => running))
    all.push(...streams)
  }
  const core = await openCore(t, configOf(data, {}, { resumeGraceMs: 1 }))
  await until(() => core.recorder.openSessions.length === 0)
  await until(async () => (await eventsOf(core)).filter(({ kind }) => kind === 'session_ended').length === all.length)
  let acknowledgedBytes = 0
  for (const { client, logId, sent } of all) {
    const batches = await batchesOf(core, logId)
    const recorded = bytesOf(
      batches.flatMap(({ frames }) => frames),
      Stream.TTYOUT,
    )
    const everything = Buffer.concat(sent.map(({ data }) => data))
    const acknowledged = sent.filter(({ endNs }) => endNs <= client.acknowledgedNs)
    const bytes = acknowledged.reduce((sum, { data }) => sum + data.byteLength, 0)
    acknowledgedBytes += bytes
    t.true(recorded.byteLength >= bytes, `${logId}: ${bytes} acknowledged, ${recorded.byteLength} recorded`)
    t.true(everything.subarray(0, recorded.byteLength).equals(recorded), `${logId}: other bytes than were sent`)
    for (const [index, batch] of batches.entries()) {
      t.is(batch.batchSeq, index)
      if (index > 0) t.true(Buffer.from(batch.prevHash).equals(batchHash(batches[index - 1]!.finished)))
    }
    t.is(batches.at(-2)!.end!.reason, EndReason.TRUNCATED)
  }
  t.true(acknowledgedBytes > 0)
  t.log(`${acknowledgedBytes} bytes acknowledged in ${all.length} sessions`)
  const events = await eventsOf(core)
  t.deepEqual(
    events.map(({ agentSeq }) => agentSeq),
    events.map((_, index) => index),
  )
  t.is(new Set(events.map(({ id }) => id)).size, events.length)
})
