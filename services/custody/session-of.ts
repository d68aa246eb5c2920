import { parseSessionKey } from '../recordings/format/evidence-keys.ts'
import { SessionId } from '../schema/ids.ts'

/** The session that a key belongs to; null for blocks of events, which many share, and for acts. */
export const sessionOf = (key: string): SessionId | null => {
  const id = SessionId.safeParse(parseSessionKey(key)?.prefix.split('/')[3])
  return id.success ? id.data : null
}
