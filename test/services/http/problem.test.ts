import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import test, { type ExecutionContext } from 'ava'
import express, { type RequestHandler } from 'express'
import { pino } from 'pino'
import { BartizanError } from '#services/errors.ts'
import { problemHandler } from '#services/http/problem.ts'

const serve = async (t: ExecutionContext, handler: RequestHandler, lines: string[] = []) => {
  const log = pino({ level: 'error' }, { write: (line: string) => lines.push(line) })
  const server = express().use(handler).use(problemHandler(log)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
}
const failing =
  (error: unknown): RequestHandler =>
  () => {
    throw error
  }

test('an error of ours is answered as problem+json with its code and hint', async (t) => {
  const url = await serve(
    t,
    failing(new BartizanError('BTZ_FORBIDDEN', 'not your bastion', { hint: 'ask for a token' })),
  )
  const answer = await fetch(url)
  t.is(answer.status, 403)
  t.is(answer.headers.get('content-type'), 'application/problem+json; charset=utf-8')
  t.like(await answer.json(), {
    status: 403,
    code: 'BTZ_FORBIDDEN',
    detail: 'not your bastion',
    hint: 'ask for a token',
  })
})

test('an unknown error tells the client nothing of the inside, and the log everything', async (t) => {
  const lines: string[] = []
  const answer = await fetch(await serve(t, failing(new Error('secret path /var/lib/x')), lines))
  t.is(answer.status, 500)
  const text = await answer.text()
  t.false(text.includes('secret path'))
  t.like(JSON.parse(text), { code: 'BTZ_INTERNAL' })
  t.true(lines.join('').includes('secret path'))
})

test('what cannot be taken now says when to come back; missing credentials say which kind', async (t) => {
  const busy = await fetch(await serve(t, failing(new BartizanError('BTZ_UNAVAILABLE', 'bus is full'))))
  t.is(busy.status, 503)
  t.regex(busy.headers.get('retry-after') ?? '', /^\d+$/)
  const unknown = await fetch(await serve(t, failing(new BartizanError('BTZ_AUTH_REQUIRED', 'no token'))))
  t.is(unknown.status, 401)
  t.is(unknown.headers.get('www-authenticate'), 'Bearer')
})

test('an error of a body reader keeps its 4xx', async (t) => {
  const answer = await fetch(await serve(t, express.json()), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"broken',
  })
  t.is(answer.status, 400)
  t.like(await answer.json(), { code: 'BTZ_REQUEST_INVALID' })
})

test('an error after the first bytes cuts the connection instead of pretending a whole answer', async (t) => {
  const url = await serve(t, (_request, response) => {
    response.set('content-length', '100').write('half')
    throw new Error('later')
  })
  await t.throwsAsync(async () => (await fetch(url)).text())
})
