import type { Request } from 'express'

/** Narrow: sent to the shared replay only, and good for nothing else. */
export const shareCookie = 'bartizan_shared'
export const sharePath = '/api/shared'

const form = /^([A-Za-z0-9_-]{22})\.([0-9a-z]{1,10}\.[A-Za-z0-9_-]{43})$/

/** Of which share, and the opening that is on record. Null: there is none. */
export const readShareCookie = (request: Request): { id: string; viewId: string } | null => {
  for (const part of (request.headers.cookie ?? '').slice(0, 8192).split(';')) {
    const [name, value = ''] = part.trim().split('=', 2)
    const [, id, viewId] = (name === shareCookie && form.exec(value)) || []
    if (id !== undefined && viewId !== undefined) return { id, viewId }
  }
  return null
}
