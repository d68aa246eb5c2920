import type { IncomingHttpHeaders } from 'node:http'
import { WebSocketServer } from 'ws'

/** Live streams of asciinema, as a sub-protocol of WebSocket (docs.asciinema.org/manual/server/streaming). */
export const alisProtocol = 'v1.alis'
const maxOffers = 16

export const offersAlis = (headers: IncomingHttpHeaders): boolean =>
  (headers['sec-websocket-protocol'] ?? '')
    .split(',', maxOffers)
    .map((offer) => offer.trim())
    .includes(alisProtocol)

/** For connections that somebody else accepted. `maxMessageBytes`: a client that says more at once is cut off. */
export const createAlisSockets = (maxMessageBytes: number): WebSocketServer =>
  new WebSocketServer({
    noServer: true,
    maxPayload: maxMessageBytes,
    perMessageDeflate: false,
    clientTracking: false,
    handleProtocols: () => alisProtocol,
  })
