const dayMs = 86_400_000
const beforeMs = 400 * dayMs
const afterMs = dayMs

/** RFC 3339 in UTC begins with its month. A year that this form has no room for is as good as no time. */
const monthOf = (at: string): string => (/^\d{4}-\d{2}-/.test(at) ? `${at.slice(0, 4)}.${at.slice(5, 7)}` : 'other')

/**
 * The month whose index holds an event: by when it happened, or by when it was received where the two cannot both be
 * right, so that a wrong clock does not make indices for every month there is. An id is unique in its index alone:
 * a record read again from the bus has to come to the same month, so nothing counts but what it says itself.
 */
export const eventMonth = ({ at, receivedAt }: { at: string; receivedAt?: string | undefined }): string => {
  if (receivedAt === undefined) return monthOf(at)
  const atMs = Date.parse(at)
  const receivedMs = Date.parse(receivedAt)
  const isPlausible = atMs >= receivedMs - beforeMs && atMs <= receivedMs + afterMs
  return monthOf(isPlausible ? at : receivedAt)
}
