import { BartizanError } from '../errors.ts'

/** What every state store takes. */

const maxKeyLength = 512
const maxValueLength = 16 * 1024 * 1024
const maxPage = 10_000

/** @throws BTZ_REQUEST_INVALID */
export const checkKey = (key: string): void => {
  const fits = key.length > 0 && key.length <= maxKeyLength
  if (fits && key.isWellFormed() && !/[\u0000-\u001f\u007f]|\u{10ffff}/u.test(key)) return
  throw new BartizanError('BTZ_REQUEST_INVALID', `${JSON.stringify(key.slice(0, 80))} is not a key of the state store`)
}

/** As JSON. @throws BTZ_REQUEST_INVALID BTZ_PAYLOAD_TOO_LARGE */
export const encodeValue = (key: string, value: unknown): string => {
  const text = JSON.stringify(value) as string | undefined
  if (text === undefined) throw new BartizanError('BTZ_REQUEST_INVALID', `the value of ${key} has no JSON form`)
  if (text.length <= maxValueLength) return text
  throw new BartizanError('BTZ_PAYLOAD_TOO_LARGE', `the value of ${key} is longer than ${maxValueLength} characters`)
}

export const pageOf = (limit: number): number => Math.max(0, Math.min(limit, maxPage))
