import test, { type ExecutionContext } from 'ava'
import { endpointsOf, killIfAlive, type Product, startProduct } from '#test/helpers/running.ts'
import { seededRandom } from '#test/helpers/seeded-random.ts'
import { assertRecorded, rowOf, type Stream, startStream, totalBytes } from '#test/helpers/streams.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { until } from '#test/helpers/until.ts'

const sessionsPerRound = 10
// Each takes three times as long on the engines.
const rounds = process.env.TEST_BACKEND === 'cluster' ? 10 : 20
const victims = ['agent', 'up', 'both'] as const
// The protocol promises output within 1 s and typed input within 3 s; beyond 4 s there is no excuse.
const settledMs = 4000
const ackedShare = 0.9

/** Of what was sent long enough before the cut, how much had been acknowledged. */
const settledShare = ({ client, sent, cutAtMs }: Stream): { due: number; acked: number } => {
  const due = sent.filter(({ atMs }) => atMs < cutAtMs! - settledMs)
  return { due: totalBytes(due), acked: totalBytes(due.filter(({ elapsedNs }) => elapsedNs <= client.acknowledgedNs)) }
}

const kill = async (product: Product, victim: (typeof victims)[number]): Promise<number> => {
  const { agentPid } = (await endpointsOf(product.data))!
  if (victim !== 'agent') product.child.kill('SIGKILL')
  if (victim !== 'up') killIfAlive(agentPid)
  if (victim !== 'agent') await product.exited
  return agentPid
}

const env = { BARTIZAN_SUDO_RESUME_GRACE_MS: '3000', BARTIZAN_LOG_LEVEL: 'error', BARTIZAN_INGEST_BLOCK_MAX_MS: '2000' }

/** Ready again: a new `up` where it was killed, a new agent where that was. */
const restarted = async (t: ExecutionContext, product: Product, victim: string, oldAgent: number): Promise<Product> => {
  if (victim !== 'agent') return startProduct(t, { data: product.data, env })
  await until(async () => (await endpointsOf(product.data))?.agentPid !== oldAgent, {
    limitMs: 30_000,
    what: 'new agent',
  })
  return { ...product, endpoints: (await endpointsOf(product.data))! }
}

test.serial(
  `kill -9 of the agent, of up, and of both at ${rounds} moments loses no acknowledged byte and doubles none`,
  async (t) => {
    t.timeout(15 * 60_000)
    const seed = Number(process.env.BARTIZAN_TEST_SEED ?? Date.now() % 1_000_000)
    t.log(`seed ${seed} (BARTIZAN_TEST_SEED repeats it)`)
    const random = seededRandom(seed)
    let product = await startProduct(t, { data: await temporaryFolder(t), env })
    const cut: Stream[] = []
    const finished: Stream[] = []
    const share = { due: 0, acked: 0 }

    for (let round = 0; round < rounds; round++) {
      const victim = victims[round % victims.length]!
      const streams = await Promise.all(
        Array.from({ length: sessionsPerRound }, (_, index) =>
          startStream(product.endpoints.sudoPort, `user${round}x${index}`, seededRandom(seed + 1000 * round + index)),
        ),
      )
      await new Promise((resolve) => setTimeout(resolve, settledMs + random() * 2500))
      const oldAgent = await kill(product, victim)
      for (const stream of streams) stream.cutAtMs = Date.now()
      if (victim !== 'up') {
        for (const stream of streams) {
          await stream.client.closed()
          await stream.stop()
          const { due, acked } = settledShare(stream)
          share.due += due
          share.acked += acked
        }
        cut.push(...streams)
      }
      const restartedAt = Date.now()
      product = await restarted(t, product, victim, oldAgent)
      if (victim === 'up') {
        for (const stream of streams) {
          t.false(stream.client.heard.closed, 'a session ended because up was killed')
          await stream.stop()
          stream.client.exit()
          await stream.client.committed()
        }
        finished.push(...streams)
        continue
      }
      await until(
        async () => (await Promise.all(streams.map(({ logId }) => rowOf(product, logId)))).every((row) => row?.endedAt),
        {
          limitMs: 60_000 - (Date.now() - restartedAt),
          everyMs: 250,
          what: 'cut sessions ended',
        },
      )
    }

    const all = [...cut, ...finished]
    await until(
      async () =>
        (await Promise.all(all.map(({ logId }) => rowOf(product, logId)))).every(
          (row) => row?.evidence === 'sealed' && row.state !== 'open',
        ),
      {
        limitMs: 60_000,
        everyMs: 500,
        what: 'all sessions sealed',
      },
    )
    for (const stream of all) await assertRecorded(t, product, stream)
    for (const { logId } of cut) t.is((await rowOf(product, logId))?.state, 'truncated')
    for (const { logId } of finished) t.is((await rowOf(product, logId))?.state, 'complete')
    t.log(
      `${all.length} sessions; of ${share.due} bytes sent more than ${settledMs} ms before a cut, ${share.acked} were acknowledged`,
    )
    t.true(share.acked >= ackedShare * share.due)
    t.is(await product.stop(), 0)
  },
)
