import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { createSilenceWatch } from '#ingest/ledger/silence-watch.ts'
import { createHeartbeats } from '#services/agents/heartbeats.ts'
import { createListening } from '#services/agents/listening.ts'
import { createSilences } from '#services/agents/silences.ts'
import { createLogger } from '#services/log.ts'
import { SessionEvent } from '#services/schema/session-event.ts'
import { createSqliteStateStore } from '#services/state/sqlite-state-store.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { until } from '#test/helpers/until.ts'

const log = createLogger('silence', 'silent')
const startMs = Date.UTC(2026, 1, 3, 23, 59, 0)
const second = 1_000

/** The bus here is a list of what was said; state store and all that is built on it are real. */
const place = async (t: ExecutionContext) => {
  let nowMs = startMs
  const clock = { now: () => nowMs }
  const state = await createSqliteStateStore({ file: join(await temporaryFolder(t), 'state.db') })
  t.teardown(() => state.close())
  const said: SessionEvent[] = []
  const bus = {
    produce: async (records: readonly { value: Uint8Array }[]) => {
      for (const { value } of records) said.push(SessionEvent.parse(JSON.parse(Buffer.from(value).toString())))
      return []
    },
  }
  const heartbeats = createHeartbeats({ state, clock, log })
  const listening = createListening({ state, clock })
  const silences = createSilences({ state })
  const newWatch = () => createSilenceWatch({ heartbeats, listening, silences, bus, clock, log })
  let watch = newWatch()
  return {
    said,
    silences,
    now: () => nowMs,
    restart: () => {
      watch = newWatch()
    },
    beat: async (bastion: string, everyMs?: number) => {
      heartbeats.heard({ bastion, version: '0.1.0', ...(everyMs !== undefined && { everyMs }) })
      await until(async () => (await heartbeats.lastMs(bastion)) === nowMs)
    },
    /** Looks every second. */
    pass: async (ms: number, { isListening = true } = {}) => {
      for (const endMs = nowMs + ms; nowMs < endMs; ) {
        nowMs += second
        if (isListening) await listening.say()
        await watch.look()
      }
    },
    gaps: () => said.map(({ bastion, detail }) => `${bastion} ${String(detail).split(':')[0]}`),
  }
}

test('three beats missed are silence, two are not; the next beat ends it', async (t) => {
  const p = await place(t)
  await p.pass(60 * second)
  await p.beat('b1')
  await p.beat('b2')
  const beatMs = p.now()
  await p.pass(25 * second)
  await p.beat('b2')
  await p.pass(7 * second)
  t.deepEqual(p.gaps(), ['b1 agent_silent'])
  t.like(p.said[0], { kind: 'recorder_health', source: 'ingest', silentSince: new Date(beatMs).toISOString() })
  t.true(Date.parse(p.said[0]!.at) - beatMs <= 33 * second, 'within 30 s and a little')
  await p.beat('b1')
  await p.pass(second)
  t.deepEqual(p.gaps(), ['b1 agent_silent', 'b1 agent_silent is over'])
  t.deepEqual([...(await p.silences.open())], [])
})

test('silence is told once by watchers that start anew, and counts on each day that it touches', async (t) => {
  const p = await place(t)
  await p.beat('b1')
  await p.pass(35 * second)
  p.restart()
  await p.pass(25 * second)
  t.is(p.now(), Date.UTC(2026, 1, 4))
  t.deepEqual(await p.silences.days('2026-02-03', '2026-02-05', p.now()), [
    { bastion: 'b1', date: '2026-02-03', ms: 60 * second },
  ])
  await p.pass(15 * second)
  await p.beat('b1')
  await p.pass(second)
  t.deepEqual(p.gaps(), ['b1 agent_silent', 'b1 agent_silent is over'])
  const days = [
    { bastion: 'b1', date: '2026-02-03', ms: 60 * second },
    { bastion: 'b1', date: '2026-02-04', ms: 15 * second },
  ]
  t.deepEqual(await p.silences.days('2026-02-03', '2026-02-05', p.now()), days)
  t.deepEqual(await p.silences.days('2026-02-04', '2026-02-04', p.now(), 'b1'), days.slice(1))
  t.deepEqual(await p.silences.days('2026-02-03', '2026-02-05', p.now(), 'b2'), [])
})

test('an agent is not silent while nobody listens, nor as soon as somebody does again', async (t) => {
  const p = await place(t)
  await p.beat('b1')
  await p.pass(3_600 * second, { isListening: false })
  await p.pass(20 * second)
  t.deepEqual(p.gaps(), [])
  await p.beat('b1')
  await p.pass(25 * second)
  t.deepEqual(p.gaps(), [])
  await p.pass(10 * second)
  t.deepEqual(p.gaps(), ['b1 agent_silent'])
})

test('an agent that beats more often is missed sooner', async (t) => {
  const p = await place(t)
  await p.pass(60 * second)
  await p.beat('b1', 500)
  await p.pass(2 * second)
  t.deepEqual(p.gaps(), ['b1 agent_silent'])
})
