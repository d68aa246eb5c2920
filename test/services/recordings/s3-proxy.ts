import { type ClientRequest, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Teardown } from '#test/helpers/temporary-folder.ts'

export type Asked = {
  method: string
  path: string
  key: string
  query: URLSearchParams
  headers: IncomingMessage['headers']
}
type Answer = { status: number; headers: IncomingMessage['headers']; body: Buffer }

/**
 * What becomes of one request: null = passed on; a status = answered here; `loseAnswer` = carried out, then the connection
 * is reset; `cutAnswer` = reset in the middle of the answer; `changeBody` = passed on with another first byte; a function = passed on, and the answer changed.
 */
export type Fate =
  | null
  | { status: number; code: string }
  | 'loseAnswer'
  | 'cutAnswer'
  | 'changeBody'
  | ((answer: Answer) => Answer)
export type Rule = (asked: Asked) => Fate

const bodyOf = async (message: IncomingMessage): Promise<Buffer> => Buffer.concat(await message.toArray())

const passOn = (endpoint: string, asked: IncomingMessage, body: Buffer): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    const onward: ClientRequest = request(
      new URL(asked.url!, endpoint),
      { method: asked.method!, headers: asked.headers }, // `host` too: it is signed
      resolve,
    )
    onward.on('error', reject)
    onward.end(body)
  })

const errorAnswer = ({ status, code }: { status: number; code: string }): Answer => ({
  status,
  headers: { date: new Date().toUTCString(), 'content-type': 'application/xml' },
  body: Buffer.from(`<?xml version="1.0"?><Error><Code>${code}</Code><Message>as the test asked</Message></Error>`),
})

const reply = (response: ServerResponse, method: string, { status, headers, body }: Answer, cut: boolean): void => {
  response.writeHead(status, headers)
  if (cut) response.write(body.subarray(0, body.length / 2), () => response.destroy())
  else response.end(method === 'HEAD' ? undefined : body)
}

const describe = (message: IncomingMessage): Asked => {
  const url = new URL(message.url!, 'http://proxy')
  const [, , ...key] = url.pathname.split('/')
  return {
    method: message.method!,
    path: url.pathname,
    key: key.join('/'),
    query: url.searchParams,
    headers: message.headers,
  }
}

/** Stands before the real store and does to requests what `rule` says. The answers it leaves alone are the store's own. */
export const createS3Proxy = async (t: Teardown, endpoint: string, rule: Rule) => {
  const asked: Asked[] = []
  const server = createServer(async (message, response) => {
    const body = await bodyOf(message)
    const what = describe(message)
    asked.push(what)
    const fate = rule(what)
    if (fate !== null && typeof fate === 'object') return reply(response, what.method, errorAnswer(fate), false)
    if (fate === 'changeBody') body[0] = body[0]! ^ 1
    const real = await passOn(endpoint, message, body)
    const answer = { status: real.statusCode!, headers: real.headers, body: await bodyOf(real) }
    if (fate === 'loseAnswer') return void response.destroy()
    reply(response, what.method, typeof fate === 'function' ? fate(answer) : answer, fate === 'cutAnswer')
  })
  let connections = 0
  server.on('connection', () => connections++)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    connections: () => connections,
  }
}
