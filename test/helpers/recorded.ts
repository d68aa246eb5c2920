import { Session } from '#services/schema/session.ts'
import type { Product } from './running.ts'

/** What the running product says of its sessions, through its API. */

/** A line of the NDJSON export. */
export type ExportLine = {
  atMs: number
  stream: string
  dataB64?: string
  rows?: number
  cols?: number
  masked?: unknown
}

/** All sessions that match, over all pages. */
export const sessionsOf = async (product: Pick<Product, 'api'>, query: string): Promise<Session[]> => {
  const sessions: Session[] = []
  for (let cursor: string | null = ''; cursor !== null; ) {
    const page = (await product.api(`/api/sessions?${query}${cursor && `&cursor=${encodeURIComponent(cursor)}`}`)) as {
      items: unknown[]
      next: string | null
    }
    sessions.push(...page.items.map((item) => Session.parse(item)))
    cursor = page.next
  }
  return sessions
}

export const exported = async (product: Pick<Product, 'raw'>, id: string): Promise<ExportLine[]> => {
  const response = await product.raw(`/api/sessions/${id}/export?format=ndjson`)
  const text = await response.text()
  if (!response.ok) throw new Error(`export of ${id}: ${response.status} ${text}`)
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as ExportLine)
}

/** All bytes of one stream, in order. */
export const bytesOf = (lines: ExportLine[], stream: string): Buffer =>
  Buffer.concat(
    lines.filter((line) => line.stream === stream).map(({ dataB64 }) => Buffer.from(dataB64 ?? '', 'base64')),
  )
