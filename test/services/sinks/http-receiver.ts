import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Teardown } from '#test/helpers/temporary-folder.ts'

export type Received = { path: string; headers: IncomingHttpHeaders; body: string }
export type Answering = (received: Received, response: ServerResponse, request: IncomingMessage) => void

/** A real HTTP server on loopback that keeps what it got; how it answers can be changed at any time. */
export const httpReceiver = async (t: Teardown) => {
  const received: Received[] = []
  const receiver = {
    received,
    url: '',
    answer: ((_received, response) => response.end('ok')) as Answering,
  }
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    try {
      for await (const chunk of request) chunks.push(chunk as Buffer)
    } catch {
      return
    }
    const one = { path: request.url ?? '', headers: request.headers, body: Buffer.concat(chunks).toString() }
    received.push(one)
    receiver.answer(one, response, request)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.close()
    server.closeAllConnections()
  })
  receiver.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`
  return receiver
}
