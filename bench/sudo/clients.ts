import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { promisify } from 'node:util'
import { fromNs } from '#hooks/sudo/time-spec.ts'
import { connectSudoClient, encodeClientMessage, loginInfos } from '#test/helpers/sudo-client.ts'
import { delayNs, type Iolog, splitFrames } from './corpus.ts'

/** Sends every recording `times` times, over so many connections at once. */
export type Load = { port: number; iologs: Iolog[]; times: number; connections: number; frameBytes: number }
/** From the last byte that was sent to the commit point of all of it, of every session; empty where it cannot be seen. */
export type Sent = { lagsMs: number[] }
export type Client = { name: string; send(load: Load): Promise<Sent> }

const limitMs = 180_000
const run = promisify(execFile)

/** As many at once as are wanted, each with the next piece of work. */
const inParallel = async <T>(count: number, work: readonly T[], act: (one: T) => Promise<void>): Promise<void> => {
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < work.length) await act(work[next++]!)
  }
  await Promise.all(Array.from({ length: Math.min(count, work.length) }, worker))
}

/** One process sends one recording over up to `times` connections. */
export const sendlog: Client = {
  name: 'sudo_sendlog',
  send: async ({ port, iologs, times, connections }) => {
    const each = Math.min(times, connections)
    const work = Array.from({ length: times / each }, () => iologs).flat()
    await inParallel(connections / each, work, async ({ folder }) => {
      const args = ['-h', '127.0.0.1', '-p', `${port}`, '-t', `${each}`, folder]
      await run('/usr/sbin/sudo_sendlog', args, { timeout: limitMs })
    })
    return { lagsMs: [] }
  },
}

const chunkBytes = 64 * 1024

/** Encoded beforehand, so that the server is what is measured. */
const encoded = (iolog: Iolog, frameBytes: number): Buffer => {
  const delay = fromNs(delayNs)
  const frames = splitFrames(iolog, frameBytes)
  return Buffer.concat(frames.map((data) => encodeClientMessage({ case: 'ttyoutBuf', value: { delay, data } })))
}

const sendOne = async (port: number, messages: Buffer, totalNs: bigint, user: string): Promise<number> => {
  const client = await connectSudoClient(port)
  await client.greeted()
  client.accept(loginInfos({ submituser: user, runuser: user }))
  await client.logId()
  const committed = Promise.withResolvers<number>()
  client.socket.on('data', () => {
    if (client.heard.commitsNs.at(-1) === totalNs) committed.resolve(performance.now())
  })
  client.socket.on('close', () => committed.reject(new Error(`${user}: closed before all was committed`)))
  const late = setTimeout(() => committed.reject(new Error(`${user}: not committed`)), limitMs)
  for (let at = 0; at < messages.byteLength; at += chunkBytes)
    if (!client.sayRaw(messages.subarray(at, at + chunkBytes))) await client.flushed()
  const exit = { runTime: fromNs(totalNs), exitValue: 0, signal: '', dumpedCore: false, error: '' }
  client.say({ case: 'exitMsg', value: exit })
  const lastByteMs = performance.now()
  const lagMs = (await committed.promise) - lastByteMs
  clearTimeout(late)
  client.finishTalking()
  if (!client.socket.closed) await once(client.socket, 'close')
  return lagMs
}

export const ours: Client = {
  name: 'our client',
  send: async ({ port, iologs, times, connections, frameBytes }) => {
    const lagsMs: number[] = []
    const ready = iologs.map((iolog) => ({
      user: `user${iolog.number}`,
      messages: encoded(iolog, frameBytes),
      totalNs: delayNs * BigInt(Math.ceil(iolog.bytes.byteLength / frameBytes)),
    }))
    const work = Array.from({ length: times }, () => ready).flat()
    await inParallel(connections, work, async ({ user, messages, totalNs }) => {
      lagsMs.push(await sendOne(port, messages, totalNs, user))
    })
    return { lagsMs }
  },
}
