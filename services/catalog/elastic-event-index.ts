const dayMs = 86_400_000
const beforeMs = 400 * dayMs
const afterMs = dayMs

/** A year that no month's name has room for is as good as no time. */
const monthOf = (atMs: number): string => {
  const name = new Date(atMs).toISOString().slice(0, 7)
  return /^\d{4}-\d{2}$/.test(name) ? name.replace('-', '.') : 'other'
}

/**
 * The month whose index holds an event: by when it happened, or by when it was received where the two cannot both be
 * right, so that a wrong clock does not make indices for every month there is. An id is unique in its index alone:
 * a record read again from the bus has to come to the same month, so nothing counts but what it says itself.
 */
export const eventMonth = ({ at, receivedAt }: { at: string; receivedAt?: string | undefined }): string => {
  const atMs = Date.parse(at)
  if (receivedAt === undefined) return monthOf(atMs)
  const receivedMs = Date.parse(receivedAt)
  const isPlausible = atMs >= receivedMs - beforeMs && atMs <= receivedMs + afterMs
  return monthOf(isPlausible ? atMs : receivedMs)
}
