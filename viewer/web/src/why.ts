import { useSyncExternalStore } from 'react'

/**
 * Why this person looks at content, as they said it: for each session once, and once for all lists. Kept while the page is
 * open and no longer, so that a reason is not given for what it was not meant for.
 */
const said = new Map<string, string>()
const listeners = new Set<() => void>()

export const ofLists = 'lists'

export const sayWhy = (place: string, reason: string): void => {
  said.set(place, reason.replaceAll(/\s+/g, ' ').trim())
  for (const tell of listeners) tell()
}

const subscribe = (tell: () => void) => {
  listeners.add(tell)
  return () => listeners.delete(tell)
}
export const useWhy = (place: string): string | undefined => useSyncExternalStore(subscribe, () => said.get(place))

/** UTF-8 in a header, whose characters are bytes (fetch.spec.whatwg.org, byte sequence). */
export const whyHeader = (place: string): Record<string, string> => {
  const reason = said.get(place)
  if (reason === undefined) return {}
  return {
    'x-bartizan-reason': Array.from(new TextEncoder().encode(reason), (byte) => String.fromCharCode(byte)).join(''),
  }
}

/** For addresses that the browser asks for by itself: the player, a download. */
export const withWhy = (url: string, reason: string | undefined): string => {
  if (reason === undefined) return url
  return `${url}${url.includes('?') ? '&' : '?'}${new URLSearchParams({ reason })}`
}
