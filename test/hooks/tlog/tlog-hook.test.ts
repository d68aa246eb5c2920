import { appendFile, mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import type { Core } from '#hooks/agent/core.ts'
import { processOf } from '#hooks/tlog/recording-process.ts'
import { startTlogHook } from '#hooks/tlog/tlog-hook.ts'
import { Config } from '#services/config.ts'
import { Stream } from '#services/recordings/format/frame-batch.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { until } from '#test/helpers/until.ts'
import { batchesOf, bytesOf, configOf, eventsOf, openCore, silent } from '#test/hooks/agent/core.ts'
import { bytes, lineOf, type MessageFields, type Step } from './messages.ts'

const limitMs = 30_000

type Place = { data: string; places: string; logFile: string; core: Core & { close(): Promise<void> } }
const newPlace = async (t: ExecutionContext): Promise<Place> => {
  const data = await temporaryFolder(t)
  return { data, places: join(data, 'tlog'), logFile: join(data, 'tlog.log'), core: await openCore(t, configOf(data)) }
}
const start = async (t: ExecutionContext, { places, logFile, core }: Place, more: Partial<Config['tlog']> = {}) => {
  const hook = await startTlogHook({
    config: { ...Config.parse({ tlog: { logFile } }).tlog, ...more },
    folder: places,
    recorder: core.recorder,
    hasRoom: () => true,
    log: silent,
  })
  t.teardown(hook.close)
  return hook
}

const put = (place: Place, steps: readonly Step[], more: MessageFields): Promise<void> =>
  appendFile(place.logFile, `${lineOf(steps, more)}\n`)
const sessionsOf = async ({ core }: Place): Promise<string[]> =>
  (await eventsOf(core)).filter(({ kind }) => kind === 'session_started').map(({ sessionId }) => String(sessionId))
const framesOf = async ({ core }: Place, sessionId: string) =>
  (await batchesOf(core, sessionId)).flatMap(({ frames }) => frames)
const outputOf = async (place: Place, sessionId: string): Promise<string> =>
  bytesOf(await framesOf(place, sessionId), Stream.TTYOUT).toString('latin1')
const markersOf = async (place: Place, sessionId: string): Promise<string[]> =>
  (await framesOf(place, sessionId))
    .filter(({ stream }) => stream === Stream.MARKER)
    .map(({ data }) => Buffer.from(data).toString())
const onlySession = async (place: Place): Promise<string> => {
  await until(async () => (await sessionsOf(place)).length > 0, { limitMs })
  return (await sessionsOf(place))[0]!
}

test('a file that tlog writes becomes a session, to the byte and with its times', async (t) => {
  const place = await newPlace(t)
  await start(t, place)
  await put(
    place,
    [
      { delayMs: 0, rows: 24, cols: 80 },
      { delayMs: 5, out: Uint8Array.of(0xff, 0xfe, 0x0a) },
    ],
    {},
  )
  await put(place, [{ delayMs: 0, out: bytes('wörld') }], { id: 2, pos: 1_500 })
  const sessionId = await onlySession(place)
  await until(async () => (await outputOf(place, sessionId)).length === 9, { limitMs })
  const [first] = await batchesOf(place.core, sessionId)
  t.like(first?.start, { hook: 'tlog', user: 'alice', target: 'vm', rows: 24, cols: 80, client: 'tlog 2.3' })
  t.is(Number(first?.start?.atMs), 1_795_217_394_500)
  t.is(await outputOf(place, sessionId), `\xff\xfe\n${Buffer.from('wörld').toString('latin1')}`)
  const elapsedNs = (await framesOf(place, sessionId)).reduce((sum, { delayNs }) => sum + delayNs, 0n)
  t.is(elapsedNs / 1_000_000n, 1_500n)
})

test('an agent that starts again goes on in the same session: no byte is missing and none comes twice', async (t) => {
  const place = await newPlace(t)
  const hook = await start(t, place)
  for (let id = 1; id <= 20; id++) await put(place, [{ delayMs: 0, out: bytes(`<${id}>`) }], { id, pos: 10 * id })
  const sessionId = await onlySession(place)
  await hook.close()
  await place.core.close()
  for (let id = 21; id <= 30; id++) await put(place, [{ delayMs: 0, out: bytes(`<${id}>`) }], { id, pos: 10 * id })
  await rename(place.logFile, `${place.logFile}.1`)
  const again = { ...place, core: await openCore(t, configOf(place.data)) }
  await put(again, [{ delayMs: 0, out: bytes('<31>') }], { id: 31, pos: 310 })
  await start(t, again)
  await until(async () => (await outputOf(again, sessionId)).includes('<31>'), { limitMs })
  t.is(await outputOf(again, sessionId), Array.from({ length: 31 }, (_, n) => `<${n + 1}>`).join(''))
  t.deepEqual(await sessionsOf(again), [sessionId])
})

test('an agent that crashed reads again what was not durable, and records it once', async (t) => {
  const place = await newPlace(t)
  await start(t, place)
  for (let id = 1; id <= 5; id++) await put(place, [{ delayMs: 0, out: bytes(`<${id}>`) }], { id, pos: 10 * id })
  const sessionId = await onlySession(place)
  const file = join(place.places, 'file.json')
  await until(async () => (await readFile(file, 'utf8').catch(() => '')).includes(sessionId), { limitMs })
  const kept = await readFile(file, 'utf8')
  for (let id = 6; id <= 9; id++) await put(place, [{ delayMs: 0, out: bytes(`<${id}>`) }], { id, pos: 10 * id })
  await until(async () => (await outputOf(place, sessionId)).endsWith('<9>'), { limitMs })
  await place.core.close() // the hook of a process that is gone writes no place any more
  const again = { ...place, places: join(place.data, 'places'), core: await openCore(t, configOf(place.data)) }
  await mkdir(again.places)
  await writeFile(join(again.places, 'file.json'), kept)
  await start(t, again)
  await put(again, [{ delayMs: 0, out: bytes('<10>') }], { id: 10, pos: 100 })
  await until(async () => (await outputOf(again, sessionId)).endsWith('<10>'), { limitMs })
  t.is(await outputOf(again, sessionId), Array.from({ length: 10 }, (_, n) => `<${n + 1}>`).join(''))
})

test('what is missing is marked in the session where it is missing', async (t) => {
  const place = await newPlace(t)
  await start(t, place)
  await put(place, [{ delayMs: 0, out: bytes('a') }], { id: 1 })
  for (let id = 3; id <= 70; id++) await put(place, [{ delayMs: 0, out: bytes('b') }], { id, pos: id })
  const sessionId = await onlySession(place)
  await until(async () => (await outputOf(place, sessionId)).length === 69, { limitMs })
  t.deepEqual(
    (await markersOf(place, sessionId)).map((text) => JSON.parse(text)),
    [{ type: 'gap', reason: 'source', detail: 'message 2 of tlog never came', lostBytes: null }],
  )
})

const prompt: Step[] = [
  { delayMs: 0, out: bytes('Password: ') },
  { delayMs: 500, in: bytes('hun') },
  { delayMs: 200, in: bytes('ter2') },
  { delayMs: 200, in: bytes('\r') },
  { delayMs: 10, out: bytes('\r\n') },
]
const echoed: Step[] = [...'uptime'].flatMap((key): Step[] => [
  { delayMs: 100, in: bytes(key) },
  { delayMs: 5, out: bytes(key) },
])

test('a typed password is masked although it comes with all the output after it at once; what was echoed is kept', async (t) => {
  const place = await newPlace(t)
  await start(t, place)
  const later = [{ delayMs: 4_000, out: bytes('hunter2 is no answer any more') }]
  await put(
    place,
    [...echoed, { delayMs: 50, in: bytes('\r') }, { delayMs: 5, out: bytes('\r\n') }, ...prompt, ...later],
    {},
  )
  const sessionId = await onlySession(place)
  await until(async () => (await outputOf(place, sessionId)).includes('any more'), { limitMs })
  const typed = (await framesOf(place, sessionId)).filter(({ stream }) => stream === Stream.TTYIN)
  t.is(bytesOf(typed, Stream.TTYIN).toString(), 'uptime\r\r')
  t.is(
    typed.reduce((sum, { masked }) => sum + (masked?.length ?? 0), 0),
    'hunter2'.length,
  )
})

test('a recording whose process is gone has ended; one of another machine ends when it is silent', async (t) => {
  const place = await newPlace(t)
  const boot = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim().replaceAll('-', '')
  const stat = await readFile('/proc/self/stat', 'utf8')
  const ticks = BigInt(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]!).toString(16)
  const own = `${boot}-${process.pid.toString(16)}-${ticks}`
  t.is(processOf(own)?.pid, process.pid)
  await start(t, place, { silentEndMs: 3_500 })
  const recordings = { runs: own, gone: `${boot}-${process.pid.toString(16)}-1`, another: `${'0'.repeat(32)}-1-1` }
  for (const [host, rec] of Object.entries(recordings))
    await put(place, [{ delayMs: 0, out: bytes('x') }], { rec, host })
  const ended = async () => (await eventsOf(place.core)).filter(({ kind }) => kind === 'session_ended')
  await until(async () => (await ended()).length === 2, { limitMs })
  const targets = (await ended()).map(({ target }) => target)
  t.deepEqual(targets.sort(), ['another', 'gone'])
})

test('lines that are refused are counted and told with the reason, and nothing of them is', async (t) => {
  const place = await newPlace(t)
  await start(t, place)
  await appendFile(place.logFile, '{"ver":"2.3","secret":"hunter2"\n')
  await put(place, [{ delayMs: 0, out: bytes('x') }], { timing: '>9' })
  const health = async () => (await eventsOf(place.core)).find(({ kind }) => kind === 'recorder_health')
  await until(async () => (await health()) !== undefined, { limitMs })
  t.regex(String((await health())?.detail), /1 not taken: not JSON, or cut; 1 not taken: its timing names more/)
  t.false(JSON.stringify(await eventsOf(place.core)).includes('hunter2'))
})
