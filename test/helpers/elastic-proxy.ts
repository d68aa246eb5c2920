import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import type { ExecutionContext } from 'ava'

export type Passing = { method: string; path: string; body: string; authorization: string | undefined }
/** Status 0: the connection is cut. */
export type Replaced = { status: number; body: object }
export type Intercept = {
  /** Instead of passing it on. */
  answer?(request: Passing): Replaced | null | Promise<Replaced | null>
  /** Of what Elasticsearch answered. */
  change?(request: Passing, answered: string): Replaced | null
}

/** Stands between a catalog and the real Elasticsearch, and says what a busy or failing one would say. */
export const elasticProxy = async (t: ExecutionContext<unknown>, target: string, intercept: Intercept) => {
  const pass = async (request: Passing, { headers }: IncomingMessage) => {
    const kept = { 'content-type': headers['content-type'] ?? '', accept: headers.accept ?? '' }
    const init = { method: request.method, headers: kept, ...(request.body !== '' && { body: request.body }) }
    const response = await fetch(target + request.path, init)
    return { status: response.status, text: await response.text() }
  }
  const server = createServer(async (incoming, outgoing) => {
    const { method = '', url = '' } = incoming
    const { authorization } = incoming.headers
    const request = { method, path: url, body: (await buffer(incoming)).toString(), authorization }
    const replaced = await intercept.answer?.(request)
    if (replaced?.status === 0) return incoming.socket.destroy()
    const passed = replaced ? null : await pass(request, incoming)
    const changed = passed && intercept.change?.(request, passed.text)
    const answer = changed ?? replaced
    outgoing.writeHead(answer?.status ?? passed!.status, {
      'content-type': 'application/vnd.elasticsearch+json;compatible-with=9',
      'x-elastic-product': 'Elasticsearch',
    })
    outgoing.end(answer ? JSON.stringify(answer.body) : passed!.text)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
