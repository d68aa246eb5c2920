import { BartizanError } from '../errors.ts'

type Failure = { name?: string; code?: string; message?: string; $metadata?: { httpStatusCode?: number } }

const failureOf = (error: unknown): Failure => (typeof error === 'object' && error !== null ? error : {})

export const statusOf = (error: unknown): number => failureOf(error).$metadata?.httpStatusCode ?? 0

/** The store's error code, for example NoSuchBucket; for HEAD, which has no body, a name of the SDK's. */
export const s3Code = (error: unknown): string => failureOf(error).name ?? ''

/** A conditional write that lost: the key exists. */
export const isTaken = (error: unknown): boolean => statusOf(error) === 412

/** Two conditional writes at the same time; neither may have landed. */
export const isConflict = (error: unknown): boolean =>
  /^(ConditionalRequestConflict|OperationAborted)$/.test(s3Code(error))

export const isAbsent = (error: unknown): boolean => statusOf(error) === 404 && s3Code(error) !== 'NoSuchBucket'

export const isDenied = (error: unknown): boolean => statusOf(error) === 403

const networkCodes =
  /^(ECONNRESET|ECONNREFUSED|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN|ERR_STREAM_PREMATURE_CLOSE)$/

/** Nobody knows whether the request was carried out, and it may succeed later. */
export const isTransient = (error: unknown): boolean => {
  const { name = '', code = '', message = '' } = failureOf(error)
  const status = statusOf(error)
  if (status >= 500 || status === 429 || status === 408) return true
  return name === 'TimeoutError' || name === 'RequestTimeout' || networkCodes.test(code) || message === 'aborted'
}

/** versitygw keeps objects as files: one cannot lie above or below another. */
const isNested = (error: unknown): boolean => /^(ObjectParentIsFile|ExistingObjectIsDirectory)$/.test(s3Code(error))

/** No answer, and none to come: certificates that are not trusted, credentials that are not found. */
const isMisconfigured = (error: unknown): boolean =>
  s3Code(error) === 'CredentialsProviderError' || /CERT|TLS|SSL|UNABLE_TO_/.test(failureOf(error).code ?? '')

/** What the store said, in our codes; an error that is not the store's as it is. */
export const s3Error = (cause: unknown, what: string): Error => {
  if (cause instanceof BartizanError || cause instanceof RangeError || cause instanceof TypeError) return cause
  const { message = String(cause) } = failureOf(cause)
  const text = `${what}: ${[s3Code(cause), message].filter(Boolean).join(': ').slice(0, 500)}`
  if (isTransient(cause) || isConflict(cause)) {
    const hint = 'it is tried again; when it lasts, see whether the store runs and can be reached'
    return new BartizanError('BTZ_UNAVAILABLE', text, { cause, hint })
  }
  if (isNested(cause)) return new BartizanError('BTZ_RECORDING_KEY_INVALID', text, { cause })
  if (statusOf(cause) < 300 && !isMisconfigured(cause)) return new BartizanError('BTZ_INTERNAL', text, { cause })
  const hint = 'run the set-up for this bucket, or check s3.bucket, s3.region, the credentials and their policy'
  return new BartizanError('BTZ_RECORDINGS_MISCONFIGURED', text, { cause, hint })
}

/** Runs `act` and puts what the store says into our codes. `what`: what was tried, for the message. */
export const inOurWords = async <T>(what: string, act: () => Promise<T>): Promise<T> => {
  try {
    return await act()
  } catch (error) {
    throw s3Error(error, what)
  }
}
