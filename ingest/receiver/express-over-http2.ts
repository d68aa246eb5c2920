import { Http2ServerRequest, Http2ServerResponse } from 'node:http2'
import express, { type Express } from 'express'

/**
 * Express hangs its methods on the requests of node:http (expressjs/express#5462); here they hang on those of
 * node:http2. `req` and `res`, which Express assigns, are getters there and have to be covered.
 */
export const expressOverHttp2 = (): Express => {
  const app = express()
  const on = (base: object, methods: object, own: string): object =>
    Object.create(base, {
      ...Object.getOwnPropertyDescriptors(methods),
      app: { value: app, configurable: true, writable: true },
      [own]: { value: undefined, configurable: true, writable: true },
    })
  return Object.assign(app, {
    request: on(Http2ServerRequest.prototype, express.request, 'res'),
    response: on(Http2ServerResponse.prototype, express.response, 'req'),
  })
}
