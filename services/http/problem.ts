import type { ErrorRequestHandler, Response } from 'express'
import { BartizanError, type ErrorCode, type ErrorPosition, errorCodes } from '../errors.ts'
import type { Logger } from '../log.ts'

/** An error as every endpoint answers it: RFC 9457 (application/problem+json) with our code and hint. */
export type Problem = {
  type: string
  title: string
  status: number
  detail: string
  code: ErrorCode
  hint?: string
  position?: ErrorPosition
}

const statuses: Partial<Record<ErrorCode, number>> = {
  BTZ_REQUEST_INVALID: 400,
  BTZ_BATCH_INVALID: 400,
  BTZ_CATALOG_QUERY: 400,
  BTZ_QUERY_SYNTAX: 400,
  BTZ_CATALOG_CURSOR: 400,
  BTZ_AUTH_REQUIRED: 401,
  BTZ_ENROL_REFUSED: 401,
  BTZ_FORBIDDEN: 403,
  BTZ_OWN_SESSION: 403,
  BTZ_SECOND_PERSON: 403,
  BTZ_APPROVAL_REQUIRED: 403,
  BTZ_NOT_FOUND: 404,
  BTZ_RECORDING_NOT_FOUND: 404,
  BTZ_RECORDING_EXISTS: 409,
  BTZ_HELD: 409,
  BTZ_NOT_ERASABLE: 409,
  BTZ_KEY_DESTROYED: 410,
  BTZ_ERASED: 410,
  BTZ_STATE_CONFLICT: 412,
  BTZ_PAYLOAD_TOO_LARGE: 413,
  BTZ_BUS_RECORD_TOO_LARGE: 413,
  BTZ_MEDIA_UNSUPPORTED: 415,
  BTZ_IMPORT_FAILED: 422,
  BTZ_PROTOCOL_VERSION: 426,
  BTZ_PRECONDITION_REQUIRED: 428,
  BTZ_REASON_REQUIRED: 428,
  BTZ_TOO_MANY_REQUESTS: 429,
  BTZ_UNAVAILABLE: 503,
  BTZ_BUS_CLOSED: 503,
  BTZ_CATALOG_TIMEOUT: 503,
  BTZ_DISK_FULL: 507,
}

const retryAfterSeconds = 2

/** What express and its body readers throw: an http status with a message fit for the client when `expose` is set. */
const fromHttpError = (error: unknown): BartizanError | null => {
  const { status, expose, message } = error as { status?: unknown; expose?: unknown; message?: unknown }
  if (typeof status !== 'number' || status < 400 || status > 499 || expose === false) return null
  const code = status === 413 ? 'BTZ_PAYLOAD_TOO_LARGE' : status === 404 ? 'BTZ_NOT_FOUND' : 'BTZ_REQUEST_INVALID'
  return new BartizanError(code, String(message), { cause: error })
}

/** Anything that was thrown as an error that may be shown: what is not ours says nothing of its inside. */
const presentable = (error: unknown): BartizanError => {
  if (error instanceof BartizanError) return error
  return (
    fromHttpError(error) ?? new BartizanError('BTZ_INTERNAL', 'the request failed; the log says why', { cause: error })
  )
}

export const problemOf = (thrown: unknown): Problem => {
  const { code, message, hint, position } = presentable(thrown)
  return {
    type: `urn:bartizan:error:${code}`,
    title: errorCodes[code],
    status: statuses[code] ?? 500,
    detail: message,
    code,
    ...(hint !== undefined && { hint }),
    ...(position && { position }),
  }
}

const sendProblem = (response: Response, thrown: unknown): void => {
  const problem = problemOf(thrown)
  if (problem.status === 401) response.set('WWW-Authenticate', 'Bearer')
  if ([429, 503, 507].includes(problem.status) && !response.get('Retry-After')) {
    response.set('Retry-After', String(retryAfterSeconds))
  }
  response.status(problem.status).type('application/problem+json').send(JSON.stringify(problem))
}

/** The last middleware: every error becomes a problem; ours to mend (5xx) are logged with their cause. */
export const problemHandler =
  (log: Logger): ErrorRequestHandler =>
  (error, request, response, next) => {
    if (problemOf(error).status >= 500)
      log.error({ err: error, method: request.method, path: request.path }, 'request failed')
    // Half an answer cannot be taken back: express cuts the connection, so that the client sees that it is not whole.
    if (response.headersSent) next(error)
    else sendProblem(response, error)
  }
