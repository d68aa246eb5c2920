import { createServer, type Server } from 'node:http'
import { freePort } from '#test/helpers/free-port.ts'
import type { Teardown } from '#test/helpers/temporary-folder.ts'
import { startReceiver } from '#test/services/sinks/syslog/receiver.ts'
import { createTally, type Tally } from './tally.ts'

/** `read`: brings the tally up to what stands there now. */
export type Destination = {
  port: number
  tally: Tally
  down(): Promise<void>
  up(): Promise<void>
  read(): Promise<void>
}
type Body = { items: { seq: number; event: { id: string; at: string } }[] }

/** A web server that can be gone: then nobody listens on its port. */
export const webDestination = async (t: Teardown): Promise<Destination> => {
  const tally = createTally()
  const port = await freePort()
  let server: Server | null = null
  const up = async (): Promise<void> => {
    const made = createServer(async (request, response) => {
      const chunks: Buffer[] = []
      for await (const chunk of request) chunks.push(chunk as Buffer)
      const { items } = JSON.parse(Buffer.concat(chunks).toString()) as Body
      for (const { seq, event } of items) tally.take(seq, event.id, Date.now() - Date.parse(event.at))
      response.end()
    })
    server = made
    await new Promise<void>((resolve) => made.listen(port, '127.0.0.1', resolve))
  }
  const down = async (): Promise<void> => {
    server?.close()
    server?.closeAllConnections()
  }
  t.teardown(down)
  await up()
  return { port, tally, up, down, read: async () => {} }
}

type Line = { '@timestamp': string; event: { id: string; sequence: number } }

/** A real rsyslogd, killed with -9 where it is to be down. Lags are as old as the last reading of its file. */
export const rsyslogDestination = async (t: Teardown): Promise<Destination> => {
  const tally = createTally()
  const receiver = await startReceiver(t, 'rsyslogd', { transport: 'tcp' })
  let seen = 0
  const read = async (): Promise<void> => {
    const lines = await receiver.lines()
    for (const text of lines.slice(seen)) {
      if (!text.endsWith('}')) continue // torn by the kill
      const line = JSON.parse(text) as Line
      tally.take(line.event.sequence, line.event.id, Date.now() - Date.parse(line['@timestamp']))
    }
    seen = lines.length
  }
  return { port: receiver.port, tally, up: receiver.start, down: receiver.kill, read }
}
