import { fork } from 'node:child_process'
import { randomBytes, randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { Agent, request as httpsRequest } from 'node:https'
import { fileURLToPath } from 'node:url'
import { create, toBinary } from '@bufbuild/protobuf'
import { BatchUploadSchema } from '#services/schema/generated/frame_batch_pb.ts'
import { closeSharedCatalog } from '#test/helpers/ingest-backends.ts'
import { enrolRelay } from '#test/helpers/relay.ts'
import { createSessionBatches, textFrame } from '#test/helpers/session-batches.ts'
import { serveTlsReceiver } from '#test/helpers/tls-receiver.ts'
import { until } from '#test/helpers/until.ts'

/**
 * A relay whose link is cut while agents send, and comes back: how fast it takes, and how fast it sends on. Receiver and
 * agents are in this process, the relay in one of its own: `npm run bench -- relay [--quick]`
 */
const quick = process.argv.includes('--quick')
const totalBytes = (quick ? 64 : 512) * 1024 * 1024
const totalEvents = quick ? 40_000 : 200_000
const bastions = Array.from({ length: 8 }, (_, n) => `inner-${n}`)
const uploadBytes = 1024 * 1024
const eventsPerUpload = 1_000
const segmentBytes = 64 * 1024 * 1024 // bus.segmentBytes by default
const limitMs = 600_000
const MB = 1e6

const undo: (() => unknown)[] = []
const t = { teardown: (run: () => unknown) => undo.push(run) }

const central = await serveTlsReceiver(t, { ingest: { partitions: 8 } })
const { data, link, enrolBehind } = await enrolRelay(t, central)
type Said = { url: string; waiting?: number; deadLetters?: number }
let said: Said | null = null
const child = fork(fileURLToPath(new URL('../test/helpers/relay-child.ts', import.meta.url)), [
  data,
  String(segmentBytes),
])
t.teardown(() => child.kill('SIGKILL'))
child.on('message', (message) => {
  said = message as Said
})
await until(() => said !== null, { limitMs, what: 'the relay' })
const now = (): Said => said!

const post = (agent: Agent, path: string, body: string | Uint8Array): Promise<void> =>
  new Promise((resolve, reject) => {
    const request = httpsRequest(new URL(path, now().url), { method: 'POST', agent }, (response) => {
      response.resume()
      response.once('end', () =>
        response.statusCode === 200 ? resolve() : reject(new Error(`${response.statusCode}`)),
      )
    })
    // The relay closed an idle connection at the very moment it was used again.
    request.once('error', (error) =>
      request.reusedSocket ? post(agent, path, body).then(resolve, reject) : reject(error),
    )
    request.end(body)
  })
const agents = new Map<string, Agent>()
for (const bastion of bastions)
  agents.set(bastion, new Agent({ ...(await enrolBehind(bastion)), keepAlive: true, maxSockets: 1 }))
const isTaken = async (bastion: string): Promise<boolean> =>
  post(agents.get(bastion)!, '/api/ingest/events', '').then(
    () => true,
    () => false,
  )
for (const bastion of bastions)
  await until(() => isTaken(bastion), { limitMs, what: `${bastion} is known to the relay` })

const memoryOf = async (): Promise<string> => {
  const text = await readFile(`/proc/${child.pid}/status`, 'utf8')
  return `${Math.round(Number(/VmRSS:\s+(\d+)/.exec(text)?.[1]) / 1024)} MB`
}
const waitingIs = (isDone: (waiting: number) => boolean, what: string) =>
  until(() => isDone(now().waiting ?? -1), { limitMs, everyMs: 20, what })

/** Each agent sends its uploads one after another while the link is cut; then it comes back. */
const measure = async (
  what: string,
  path: string,
  items: number,
  bytes: number,
  uploads: (string | Uint8Array)[][],
) => {
  link.set('cut')
  const inMs = performance.now()
  await Promise.all(
    bastions.map(async (bastion, at) => {
      for (const body of uploads[at]!) await post(agents.get(bastion)!, path, body)
    }),
  )
  const tookInMs = performance.now() - inMs
  await waitingIs((waiting) => waiting >= items, 'all of it waits')
  const rss = await memoryOf()
  link.set('up')
  await waitingIs((waiting) => waiting < items, 'the first of it is sent on')
  const [left, outMs] = [now().waiting ?? 0, performance.now()]
  await waitingIs((waiting) => waiting === 0, 'all of it is sent on')
  const tookOutMs = ((performance.now() - outMs) * items) / Math.max(1, left)
  const rates = (ms: number) => `${(bytes / MB / (ms / 1000)).toFixed(1)} MB/s, ${Math.round(items / (ms / 1000))}/s`
  process.stdout.write(
    `${what}: ${items} (${(bytes / MB).toFixed(0)} MB) taken with ${rates(tookInMs)}; sent on with ${rates(tookOutMs)}; ` +
      `memory of the relay ${rss}, then ${await memoryOf()}\n`,
  )
}

for (const batchBytes of [4 * 1024, 64 * 1024]) {
  const perUpload = Math.floor(uploadBytes / batchBytes)
  const uploadsEach = Math.ceil(totalBytes / uploadBytes / bastions.length)
  const noise = randomBytes(batchBytes / 2).toString('hex')
  const uploads = bastions.map((bastion) => {
    const session = createSessionBatches({ bastion })
    return Array.from({ length: uploadsEach }, (_, at) => {
      const batches = Array.from({ length: perUpload }, (_, n) =>
        at === 0 && n === 0 ? session.first(textFrame(noise)) : session.next(textFrame(noise)),
      )
      return toBinary(BatchUploadSchema, create(BatchUploadSchema, { batches }))
    })
  })
  const bytes = uploads.flat().reduce((sum, { byteLength }) => sum + byteLength, 0)
  const items = bastions.length * uploadsEach * perUpload
  await measure(`batches of ${batchBytes / 1024} KiB`, '/api/ingest/batches', items, bytes, uploads)
}
const at = new Date().toISOString()
const eventUploads = bastions.map((bastion) =>
  Array.from({ length: totalEvents / eventsPerUpload / bastions.length }, () =>
    Array.from({ length: eventsPerUpload }, () => {
      const detail = { user: 'alice', path: '/etc/ssh/sshd_config', note: 'x'.repeat(120) }
      const event = {
        id: randomUUID(),
        at,
        kind: 'posture',
        source: 'bench',
        bastion,
        check: 'c',
        status: 'ok',
        detail,
      }
      return `${JSON.stringify(event)}\n`
    }).join(''),
  ),
)
const eventBytes = eventUploads.flat().reduce((sum, { length }) => sum + length, 0)
await measure('events', '/api/ingest/events', totalEvents, eventBytes, eventUploads)
process.stdout.write(`dead letters: ${now().deadLetters}\n`)

for (const agent of agents.values()) agent.destroy()
for (const each of undo.reverse()) await each()
await closeSharedCatalog()
process.exit(0)
