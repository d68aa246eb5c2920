import type { z } from 'zod'

/** `reason` names members and rules, nothing of what the record says. */
export type Decoded<T> = { value: T } | { reason: string }

/** A record of the bus that holds JSON in UTF-8. */
export const decodeRecord = <T>(schema: z.ZodType<T>, bytes: Uint8Array): Decoded<T> => {
  let parsed: unknown
  try {
    parsed = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    return { reason: 'not JSON' }
  }
  const result = schema.safeParse(parsed)
  if (result.success) return { value: result.data }
  return { reason: result.error.issues.map(({ path, code }) => `${path.join('.')}: ${code}`).join(', ') }
}
