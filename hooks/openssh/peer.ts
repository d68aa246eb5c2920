import { canonicalIp } from '#services/connection-id.ts'

/** Whom sshd says it talks to. `ip` null: sshd could not tell. */
export type Peer = { user: string; ip: string | null; port: number | null }

/** sshd writes at most 1023 bytes of message: what stands at such an end may be part of somebody's text. */
export const cutFrom = 1000

const maxPortDigits = 5

/** A port of which every character up to `end` is a digit; -1: it is none. */
export const portBetween = (text: string, start: number, end: number): number => {
  if (end <= start || end - start > maxPortDigits) return -1
  let value = 0
  for (let index = start; index < end; index++) {
    const digit = text.charCodeAt(index) - 48
    if (digit < 0 || digit > 9) return -1
    value = value * 10 + digit
  }
  return value <= 65_535 ? value : -1
}

export const addressOf = (text: string): string | null | undefined =>
  text === 'UNKNOWN' ? null : (canonicalIp(text) ?? undefined)

/**
 * `USER from IP port N`, up to `end`. The name is whatever somebody typed, and may hold the like itself: only what
 * stands last is sshd's own.
 */
export const userFromPeer = (text: string, start: number, end = text.length): Peer | null => {
  const portWord = text.lastIndexOf(' port ', end - 1)
  if (portWord < start) return null
  const port = portBetween(text, portWord + 6, end)
  const from = text.lastIndexOf(' from ', portWord - 1)
  if (port < 0 || from < start) return null
  const ip = addressOf(text.slice(from + 6, portWord))
  return ip === undefined ? null : { user: text.slice(start, from), ip, port }
}

/** `USER from HOST` of old versions and of PAM: no port, and the host may be a name. */
export const userFromHost = (text: string, start: number, end = text.length): Peer | null => {
  const from = text.lastIndexOf(' from ', end - 1)
  if (from < start) return null
  return { user: text.slice(start, from), ip: canonicalIp(text.slice(from + 6, end)), port: null }
}

/** `USER IP port N` or `IP port N`, up to `end`. */
export const userThenPeer = (text: string, start: number, end = text.length): Peer | null => {
  const portWord = text.lastIndexOf(' port ', end - 1)
  if (portWord <= start) return null
  const port = portBetween(text, portWord + 6, end)
  const before = text.lastIndexOf(' ', portWord - 1)
  const ip = addressOf(text.slice(Math.max(before + 1, start), portWord))
  if (port < 0 || ip === undefined) return null
  return { user: before < start ? '' : text.slice(start, before), ip, port }
}
