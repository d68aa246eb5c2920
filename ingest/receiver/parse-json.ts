import { z } from 'zod'
import { BartizanError } from '#services/errors.ts'

/** @throws BTZ_REQUEST_INVALID */
export const parseJson = <T>(schema: z.ZodType<T>, body: Buffer): T => {
  let parsed: unknown
  try {
    parsed = JSON.parse(body.toString())
  } catch (cause) {
    throw new BartizanError('BTZ_REQUEST_INVALID', 'the body is not JSON', { cause })
  }
  const result = schema.safeParse(parsed)
  if (result.success) return result.data
  throw new BartizanError('BTZ_REQUEST_INVALID', z.prettifyError(result.error).slice(0, 2000))
}
