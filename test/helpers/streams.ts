import type { ExecutionContext } from 'ava'
import type { Product } from './running.ts'
import { connectSudoClient, loginInfos, type SudoClient } from './sudo-client.ts'

export type Sent = { atMs: number; elapsedNs: bigint; data: Buffer }
export type Stream = { client: SudoClient; sent: Sent[]; logId: string; cutAtMs: number | null; stop(): Promise<void> }

/** A client that sends its own bytes until it is stopped or cut off, some each `pauseMs` at most; `sent` holds its output frames. */
export const startStream = async (port: number, name: string, random: () => number, pauseMs = 40): Promise<Stream> => {
  const client = await connectSudoClient(port)
  client.accept(loginInfos({ submituser: name, runuser: name }))
  const sent: Sent[] = []
  const stream: Stream = { client, sent, logId: await client.logId(), cutAtMs: null, stop: async () => {} }
  let stopped = false
  const running = (async () => {
    while (!stopped && !client.heard.closed) {
      const data = Buffer.from(
        Array.from({ length: 1 + Math.floor(random() * 3000) }, () => Math.floor(random() * 256)),
      )
      const delayNs = BigInt(1 + Math.floor(random() * 40_000_000))
      client.io('ttyoutBuf', data, delayNs)
      sent.push({ atMs: Date.now(), elapsedNs: client.elapsedNs, data })
      if (random() < 0.1) {
        client.io('ttyinBuf', 'k', 1_000n)
        client.io('ttyoutBuf', 'k', 2_000n)
        sent.push({ atMs: Date.now(), elapsedNs: client.elapsedNs, data: Buffer.from('k') })
      }
      await client.flushed()
      await new Promise((resolve) => setTimeout(resolve, random() * pauseMs))
    }
  })()
  stream.stop = async () => {
    stopped = true
    await running
  }
  return stream
}

export const totalBytes = (frames: Sent[]) => frames.reduce((sum, { data }) => sum + data.byteLength, 0)

export const recordedOutput = async (product: Product, sessionId: string): Promise<Buffer> => {
  const response = await product.raw(`/api/sessions/${sessionId}/export?format=ndjson`)
  if (response.status !== 200) return Buffer.alloc(0)
  const frames = (await response.text())
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line))
  return Buffer.concat(
    frames.filter(({ stream }) => stream === 'ttyout').map(({ dataB64 }) => Buffer.from(dataB64, 'base64')),
  )
}

type Row = { id: string; state: string; evidence: string; endedAt: string | null }

/** Null: the index has not come to it yet. */
export const rowOf = async (product: Product, id: string): Promise<Row | null> => {
  const response = await product.raw(`/api/sessions/${id}`)
  if (response.status === 404) return null
  if (!response.ok) throw new Error(`session ${id}: ${response.status} ${await response.text()}`)
  return (await response.json()) as Row
}

/** All that was acknowledged is recorded, and what is recorded is what was sent, from its beginning on. */
export const assertRecorded = async (t: ExecutionContext, product: Product, stream: Stream): Promise<void> => {
  const output = await recordedOutput(product, stream.logId)
  const all = Buffer.concat(stream.sent.map(({ data }) => data))
  const acked = totalBytes(stream.sent.filter(({ elapsedNs }) => elapsedNs <= stream.client.acknowledgedNs))
  t.true(output.byteLength >= acked, `${stream.logId}: ${acked} bytes acknowledged, ${output.byteLength} recorded`)
  // A prefix of what was sent: nothing twice, nothing out of place, nothing invented.
  t.true(all.subarray(0, output.byteLength).equals(output), `${stream.logId}: other bytes than were sent`)
}
