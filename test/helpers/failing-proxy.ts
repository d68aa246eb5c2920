import { once } from 'node:events'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Teardown } from './temporary-folder.ts'

/** An HTTP proxy in front of a real server, which can be told to answer 503 instead. `refused`: how often it did. */
export const failingProxy = async (t: Teardown, target: string) => {
  const { hostname, port } = new URL(target)
  let isFailing = false
  let refused = 0
  const server = createServer((incoming, outgoing) => {
    if (isFailing) {
      refused++
      incoming.resume()
      outgoing.writeHead(503, { 'content-type': 'application/xml' })
      outgoing.end('<?xml version="1.0"?><Error><Code>ServiceUnavailable</Code><Message>for a while</Message></Error>')
      return
    }
    const { method, url, rawHeaders } = incoming
    const forwarded = request({ hostname, port, method, path: url, headers: rawHeaders, setHost: false }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.rawHeaders)
      answer.pipe(outgoing)
    })
    forwarded.on('error', () => outgoing.destroy())
    incoming.pipe(forwarded)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    fail: (failing: boolean): void => {
      isFailing = failing
    },
    refused: (): number => refused,
  }
}
