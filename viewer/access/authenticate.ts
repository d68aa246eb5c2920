import type { Request, RequestHandler, Response } from 'express'
import { may } from '#services/access/permissions.ts'
import { BartizanError } from '#services/errors.ts'
import { createFailureLimit } from '#services/http/failure-limit.ts'
import type { Action, Principal } from '#services/schema/access.ts'
import type { ViewerContext } from '../context.ts'

export const cookieName = 'bartizan_session'

const cookieOf = (request: Request): string | null => {
  for (const part of (request.headers.cookie ?? '').slice(0, 8192).split(';')) {
    const [name, value] = part.trim().split('=', 2)
    if (name === cookieName && value) return value
  }
  return null
}

const bearerOf = (request: Request): string | null => {
  const header = request.headers.authorization
  return header?.startsWith('Bearer ') && header.length < 512 ? header.slice(7) : null
}

/**
 * A cookie is sent by the browser also for requests another site made it send. SameSite=Strict holds that back; where
 * something is changed, the request must in addition carry a header that no foreign page can set without CORS.
 */
const mayBeForged = (request: Request): boolean =>
  !['GET', 'HEAD', 'OPTIONS'].includes(request.method) && request.headers['x-bartizan'] !== '1'

/** Who asks, now; null: nobody that is known. @throws BTZ_UNAVAILABLE */
export const whoAsks = async (
  { tokens, browserSessions }: Pick<ViewerContext, 'tokens' | 'browserSessions'>,
  request: Request,
): Promise<Principal | null> => {
  const bearer = bearerOf(request)
  if (bearer !== null) return tokens.verify(bearer)
  const cookie = cookieOf(request)
  return cookie === null ? null : browserSessions.verify(cookie)
}

/** Finds out who asks, by bearer token or browser session; refuses with 401 and, after too many failures, 429. */
export const authenticate = (context: Pick<ViewerContext, 'tokens' | 'browserSessions' | 'clock'>): RequestHandler => {
  const failures = createFailureLimit(context.clock, { perMinute: 30, addresses: 10_000 })
  return async (request, response, next) => {
    const address = request.socket.remoteAddress ?? ''
    const wait = failures.waitSeconds(address)
    if (wait > 0) {
      response.setHeader('Retry-After', wait)
      throw new BartizanError('BTZ_TOO_MANY_REQUESTS', `too many failed sign-ins from ${address}`)
    }
    const bearer = bearerOf(request)
    const cookie = bearer === null ? cookieOf(request) : null
    if (cookie !== null && mayBeForged(request)) {
      throw new BartizanError('BTZ_FORBIDDEN', 'a browser must send the header X-Bartizan: 1 to change something')
    }
    const principal = await whoAsks(context, request)
    if (!principal) {
      if (bearer !== null || cookie !== null) failures.count(address)
      throw new BartizanError('BTZ_AUTH_REQUIRED', 'sign in, or send a valid token', {
        hint: '`bartizan login` prints a sign-in link, `bartizan token create` makes a token',
      })
    }
    response.locals.principal = principal
    next()
  }
}

export const principalOf = (response: Response): Principal => response.locals.principal as Principal

/** Refuses with 403 whoever's role does not allow the action. */
export const allow =
  (action: Action): RequestHandler =>
  (_request, response, next) => {
    const principal = principalOf(response)
    if (!may(principal.role, action)) {
      throw new BartizanError('BTZ_FORBIDDEN', `the role ${principal.role} does not allow ${action}`)
    }
    next()
  }
