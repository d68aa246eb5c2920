import { setTimeout as sleep } from 'node:timers/promises'
import { WebSocket } from 'ws'
import { parseAlisMessage } from '#hooks/asciinema-live/alis-message.ts'
import { adminToken, type Product, startProduct } from '#test/helpers/running.ts'
import { connectSudoClient, loginInfos, type SudoClient } from '#test/helpers/sudo-client.ts'
import { until } from '#test/helpers/until.ts'
import { at } from './cluster/typed-until-found.ts'

/**
 * How far behind a viewer is, through the whole product: from the moment that sudo hands bytes to the agent until they are
 * at the viewer's end of the WebSocket; and how long until who is ended is told so. Run: `npm run bench -- live [SESSIONS [VIEWERS [SECONDS]]]`
 */
const [sessionCount = 200, viewerCount = 50, seconds = 30] = process.argv.slice(2).map(Number)
const everyMs = 500 // per session
const endedCount = 20
const mark = /@(\d{13})@/g

const undo: (() => unknown)[] = []

type Session = { id: string; client: SudoClient }
const openSession = async (product: Product, number: number): Promise<Session> => {
  const client = await connectSudoClient(product.endpoints.sudoPort)
  const user = `user${number}`
  client.accept(loginInfos({ submituser: user, runuser: user }))
  const id = await client.logId()
  client.io('ttyoutBuf', '$ ', 1_000_000n)
  return { id, client }
}

/** Output with the time in it, until told to stop. */
const work = async ({ client }: Session, isOver: () => boolean): Promise<void> => {
  await sleep(Math.random() * everyMs)
  for (let line = 0; !isOver(); line++) {
    client.io('ttyoutBuf', `\x1b[3${line % 8}m@${Date.now()}@\x1b[m ${'lorem ipsum '.repeat(8)}\r\n`, 500_000_000n)
    await sleep(everyMs)
  }
}

type Watch = { lagsMs: number[]; joinedMs: number; resets: number; socket: WebSocket }
const watch = async (product: Product, id: string): Promise<Watch> => {
  const startedMs = Date.now()
  const socket = new WebSocket(`ws://127.0.0.1:${product.endpoints.httpPort}/api/sessions/${id}/live`, ['v1.alis'], {
    headers: { authorization: `Bearer ${adminToken}` },
  })
  const seen: Watch = { lagsMs: [], joinedMs: 0, resets: 0, socket }
  socket.on('message', (data) => {
    const message = parseAlisMessage(data as Buffer)
    const nowMs = Date.now()
    if (message.type === 'init') {
      seen.joinedMs ||= nowMs - startedMs
      seen.resets += 1
    }
    if (message.type !== 'output') return
    for (const [, sentMs] of Buffer.from(message.text).toString().matchAll(mark))
      seen.lagsMs.push(nowMs - Number(sentMs))
  })
  await until(() => seen.joinedMs > 0, { limitMs: 60_000, what: 'a viewer joins' })
  return seen
}

const product = await startProduct({ teardown: (run) => undo.push(run) }, { env: { BARTIZAN_LOG_LEVEL: 'error' } })
const sessions: Session[] = []
for (let number = 0; number < sessionCount; number++) sessions.push(await openSession(product, number))
let isOver = false
const working = sessions.map((session) => work(session, () => isOver))
const last = sessions.at(-1)!.id
await until(async () => (await product.raw(`/api/sessions/${last}`)).ok, {
  limitMs: 60_000,
  what: 'all sessions listed',
})

const watching: Watch[] = []
for (let number = 0; number < viewerCount; number++)
  watching.push(await watch(product, sessions[Math.floor((number * sessionCount) / viewerCount)]!.id))
await sleep(2_000)
for (const { lagsMs } of watching) lagsMs.length = 0
await sleep(seconds * 1_000)
const ascending = (ms: number[]): number[] => ms.sort((a, b) => a - b)
const lagsMs = ascending(watching.flatMap((one) => one.lagsMs))
const joins = ascending(watching.map(({ joinedMs }) => joinedMs))
const figuresOf = (ms: number[]) => ({
  p50: at(ms, 0.5),
  p90: at(ms, 0.9),
  p99: at(ms, 0.99),
  most: ms.at(-1),
  count: ms.length,
})
console.table({
  'bytes at the agent to the viewer, ms': figuresOf(lagsMs),
  'asked to the first screen, ms': figuresOf(joins),
})
const wanted = (viewerCount * seconds * 1_000) / everyMs
console.log(
  `${sessionCount} active sessions, ${viewerCount} viewers; ${lagsMs.length} marks seen of about ${wanted}; ${watching.reduce((sum, { resets }) => sum + resets, 0)} resets`,
)

isOver = true
await Promise.all(working)
const endedMs: number[] = []
for (const { id, client } of sessions.slice(0, endedCount)) {
  const askedMs = Date.now()
  await product.api(`/api/sessions/${id}/terminate`, { method: 'POST', body: '{"reason":"a measurement"}' })
  await until(() => client.heard.aborts.length > 0, { limitMs: 60_000, everyMs: 2, what: 'the order' })
  endedMs.push(Date.now() - askedMs)
}
console.table({ 'order to end a session to its user, ms': figuresOf(ascending(endedMs)) })
for (const { socket } of watching) socket.terminate()
for (const { client } of sessions.slice(endedCount)) client.exit({ exitValue: 0 })
await product.stop()
for (const run of undo) await run()
