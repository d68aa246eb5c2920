import { basename } from 'node:path/posix'
import type { SessionEvent } from '../../schema/session-event.ts'
import { ipOf } from './item-facts.ts'
import type { Fields } from './json-line.ts'

type Text = string | null | undefined

// OCSF's hostname_t takes no underscore.
const hostName = /^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*$/
const named = (text: Text): Fields => (text && hostName.test(text) ? { hostname: text } : { name: text })

/** An endpoint by its address, or by its name. */
export const endpoint = (address: Text, port?: number | null): Fields | null => {
  if (!address) return null
  const ip = ipOf(address)
  return { ...(ip === null ? named(address) : { ip }), port }
}

/** A user is required in places where a source may not know one: the type says that it is not known. */
export const user = (name: Text): Fields => (name ? { name } : { name: 'unknown', type_id: 0 })
export const device = (bastion: Text): Fields => ({ ...named(bastion), type_id: bastion ? 1 : 0 }) // 1: server
export const session = (uid: Text): Fields | null => (uid ? { uid, is_remote: true } : null)
export const actor = (event: SessionEvent): Fields => ({ user: user(event.user), session: session(event.sessionId) })

export const sha256 = (value: string): Fields => ({ algorithm_id: 3, value })
export const file = (path: Text, sizeBytes: number | null, hash: Text): Fields => ({
  name: (path && basename(path)) || 'unknown',
  path,
  size: sizeBytes,
  type_id: path ? 1 : 0, // a regular file
  hashes: hash ? [sha256(hash)] : [],
})

const outcomes = { success: 1, failure: 2, unknown: 0 } as const
export const status = (outcome: keyof typeof outcomes): Fields => ({ status_id: outcomes[outcome] })
