import { appendFile, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { type OpensshHookOptions, startOpensshHook } from '#hooks/openssh/openssh-hook.ts'
import type { SshdEvent } from '#hooks/openssh/sshd-log.ts'
import { Config } from '#services/config.ts'
import { BartizanError } from '#services/errors.ts'
import { seededRandom } from '#test/helpers/seeded-random.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { until } from '#test/helpers/until.ts'
import { startAgentChild } from '#test/hooks/agent/child.ts'
import { configOf, eventsOf, logTo, openCore, silent } from '#test/hooks/agent/core.ts'

const limitMs = 30_000
const startMs = Date.UTC(2026, 10, 20, 9)

/** A login with a session, as sshd writes it; each gives three events. */
const visit = (n: number): string => {
  const from = `192.0.2.7 port ${20_000 + n}`
  const words = [
    `Connection from ${from} on 192.0.2.1 port 22 rdomain ""`,
    `Accepted publickey for alice from ${from} ssh2: ED25519 SHA256:pbrkFfjDTxfK6cbhW1kslFRy9fBnV9NwShMf04nKkb0`,
    `Starting session: shell on pts/1 for alice from ${from} id 0`,
    `Disconnected from user alice ${from}`,
  ]
  return words
    .map((text, at) => `${new Date(startMs + n * 1_000 + at).toISOString()} vm sshd[${n + 1}]: ${text}\n`)
    .join('')
}
const visits = (from: number, to: number): string =>
  Array.from({ length: to - from }, (_, n) => visit(from + n)).join('')

type Place = { logFile: string; folder: string; sent: SshdEvent[] }
const newPlace = async (t: ExecutionContext): Promise<Place> => {
  const folder = await temporaryFolder(t)
  return { logFile: join(folder, 'sshd.log'), folder: join(folder, 'places'), sent: [] }
}

const start = (
  t: ExecutionContext,
  place: Place,
  more: Partial<OpensshHookOptions> & { event?: (sent: SshdEvent) => Promise<void> } = {},
) => {
  const take = async (event: SshdEvent): Promise<void> => void place.sent.push(event)
  const { event = take, ...options } = more
  const hook = startOpensshHook({
    config: Config.parse({ openssh: { logFile: place.logFile, timeZone: 'UTC' } }).openssh,
    folder: place.folder,
    recorder: { bastion: 'bastion-1', event: (each) => event(each as SshdEvent) },
    hasRoom: () => true,
    log: silent,
    ...options,
  })
  t.teardown(async () => (await hook).close())
  return hook
}
const idsOf = (sent: readonly SshdEvent[]): string[] => sent.map(({ id }) => id)

test('a log is followed from its beginning, and after a restart from where it was: each event once', async (t) => {
  const place = await newPlace(t)
  await appendFile(place.logFile, visits(0, 3))
  const first = await start(t, place)
  await until(() => place.sent.length === 9, { limitMs })
  await appendFile(place.logFile, visits(3, 4).slice(0, -120)) // ends within a connection, and within a line
  await first.close()
  await appendFile(place.logFile, visits(3, 4).slice(-120) + visits(4, 6))
  await start(t, place)
  await until(() => place.sent.length >= 18, { limitMs })
  t.is(new Set(idsOf(place.sent)).size, 18)
  t.is(place.sent.length, 18)
  t.like(place.sent.at(-1), { kind: 'session_ended', channels: 1, sourcePort: 20_005 })
})

test('without its place a log is read again, and every event has the id it had', async (t) => {
  const [place, again] = [await newPlace(t), await newPlace(t)]
  await appendFile(place.logFile, visits(0, 5))
  await start(t, place)
  await start(t, { ...again, logFile: place.logFile })
  await until(() => place.sent.length === 15 && again.sent.length === 15, { limitMs })
  t.deepEqual(idsOf(place.sent), idsOf(again.sent))
})

test('a place that makes no sense is told of, and the log read from its beginning', async (t) => {
  const place = await newPlace(t)
  await appendFile(place.logFile, visits(0, 1))
  await (await start(t, place)).close()
  await appendFile(join(place.folder, 'file.json'), 'x')
  const lines: string[] = []
  place.sent = []
  await start(t, place, { log: logTo(lines) })
  await until(() => place.sent.length === 3, { limitMs })
  t.true(lines.some((line) => line.includes('not known')))
})

test('a full spool holds the reading back: nothing is dropped, nothing comes twice, and the place waits', async (t) => {
  const place = await newPlace(t)
  await appendFile(place.logFile, visits(0, 50))
  let isFull = false
  let refusals = 0
  const event = async (each: SshdEvent): Promise<void> => {
    if (place.sent.length === 40) isFull = true
    if (isFull) {
      refusals++
      throw new BartizanError('BTZ_SPOOL_FULL', 'full')
    }
    place.sent.push(each)
  }
  await start(t, place, { event, hasRoom: () => !isFull })
  await until(() => refusals > 0, { limitMs })
  t.is(place.sent.length, 40)
  await t.throwsAsync(readFile(join(place.folder, 'file.json')), { code: 'ENOENT' })
  place.sent.push({ ...place.sent[0]!, id: 'there is room again' })
  isFull = false
  await until(() => place.sent.length === 151, { limitMs })
  t.is(new Set(idsOf(place.sent)).size, 151)
})

test('kill -9 of the agent at seeded moments: every event of the log is in the spool, under one id', async (t) => {
  t.timeout(10 * 60_000)
  const seed = Number(process.env.BARTIZAN_TEST_SEED ?? Date.now() % 1_000_000)
  t.log(`seed ${seed} (BARTIZAN_TEST_SEED repeats it)`)
  const random = seededRandom(seed)
  const data = await temporaryFolder(t)
  const logFile = join(data, 'sshd.log')
  const rounds = 3
  const perRound = 400
  for (let round = 0; round < rounds; round++) {
    const agent = await startAgentChild(t, data, { BARTIZAN_OPENSSH_LOG: logFile, BARTIZAN_OPENSSH_TIME_ZONE: 'UTC' })
    const end = performance.now() + 100 + random() * 1_500
    for (let n = 0; n < perRound; n += 20) {
      await appendFile(logFile, visits(round * perRound + n, round * perRound + n + 20))
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, (end - performance.now()) / 20)))
    }
    agent.child.kill('SIGKILL')
    await agent.exit
  }
  const last = await startAgentChild(t, data, { BARTIZAN_OPENSSH_LOG: logFile, BARTIZAN_OPENSSH_TIME_ZONE: 'UTC' })
  const place = async () => {
    const kept = await readFile(join(data, 'agent', 'openssh', 'file.json'), 'utf8').catch(() => '{}')
    return (JSON.parse(kept) as { position?: { offset: number } }).position?.offset
  }
  const { length } = await readFile(logFile)
  await until(async () => (await place()) === length, { limitMs: 60_000, what: 'the place at the end of the log' })
  last.child.kill('SIGKILL')
  await last.exit
  const core = await openCore(t, configOf(data))
  const events = (await eventsOf(core)).filter(({ source, kind }) => source === 'openssh' && kind !== 'recorder_health')
  const ports = new Map<string, string>()
  for (const { id, kind, sourcePort } of events) {
    const key = `${String(kind)} ${String(sourcePort)}`
    t.is(ports.get(key) ?? String(id), String(id))
    ports.set(key, String(id))
  }
  t.is(ports.size, 3 * rounds * perRound)
})
