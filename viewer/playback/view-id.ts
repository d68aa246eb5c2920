import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto'

/** One opening of a replay that is on record: who opened which, when it ends, and the reason that was given. */
export type OpenedView = { sessionId: string; principalId: string; reason: string | undefined; pin: string }

const macBytes = 32
const viewKey = (sessionKey: Uint8Array): Uint8Array =>
  new Uint8Array(hkdfSync('sha256', sessionKey, new Uint8Array(0), 'bartizan replay view v1', macBytes))

const macOf = (sessionKey: Uint8Array, view: OpenedView, expiresAtMs: number): string => {
  const { sessionId, principalId, reason, pin } = view
  const message = JSON.stringify([sessionId, principalId, reason ?? null, pin, expiresAtMs])
  return createHmac('sha256', viewKey(sessionKey)).update(message).digest('base64url')
}

/**
 * Says in the addresses of the segments that the opening they belong to is on record. The key is made of the session's:
 * every viewer has it without a secret of its own, and it ends with the session's erasure.
 */
export const viewIdOf = (sessionKey: Uint8Array, view: OpenedView, expiresAtMs: number): string =>
  `${expiresAtMs.toString(36)}.${macOf(sessionKey, view, expiresAtMs)}`

const form = /^([0-9a-z]{1,10})\.([A-Za-z0-9_-]{43})$/

export const isViewOpen = (id: string, sessionKey: Uint8Array, view: OpenedView, nowMs: number): boolean => {
  const [, expiry, mac] = form.exec(id) ?? []
  if (expiry === undefined || mac === undefined) return false
  const expiresAtMs = Number.parseInt(expiry, 36)
  const expected = macOf(sessionKey, view, expiresAtMs)
  return expiresAtMs > nowMs && timingSafeEqual(Buffer.from(expected), Buffer.from(mac))
}
