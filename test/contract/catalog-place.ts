import type { ExecutionContext } from 'ava'
import { v7 } from 'uuid'
import type { Catalog, SessionRow, SessionUpdate } from '#services/catalog/catalog.ts'
import { SessionId } from '#services/schema/ids.ts'
import type { Command } from '#services/schema/session.ts'
import { SessionEvent } from '#services/schema/session-event.ts'
import type { Views } from '#services/views/views.ts'

/**
 * One place where a catalog keeps its rows: `open` opens the same one each time; a child process does so by import and
 * arguments. `settle`: waits until what was acknowledged is found, where that is not at once.
 */
export type CatalogPlace = {
  open(): Promise<Catalog & Views>
  /** The same, but a search takes longer in it than its limit; what is asked by id does not. */
  openSlow(): Promise<Catalog>
  settle(): Promise<void>
  inChild: { module: string; factory: string; options: unknown }
}
export type MakeCatalogPlace = (t: ExecutionContext<unknown>) => Promise<CatalogPlace>
export type Opened = { catalog: Catalog & Views; place: CatalogPlace }

export const opened = async (t: ExecutionContext<unknown>, make: MakeCatalogPlace): Promise<Opened> => {
  const place = await make(t)
  const catalog = await place.open()
  t.teardown(() => catalog.close())
  return { catalog, place }
}

export const epochMs = Date.UTC(2026, 10, 21, 9)
export const at = (seconds: number): string => new Date(epochMs + seconds * 1000).toISOString()
export const newId = (): SessionId => SessionId.parse(v7())

/** A session that started `seconds` after the epoch of these tests. */
export const sessionRow = (seconds: number, more: Partial<SessionRow> = {}): SessionRow => ({
  id: newId(),
  connectionId: null,
  parentId: null,
  user: 'alice',
  runAs: 'alice',
  bastion: 'bastion-1',
  target: 'bastion-1',
  sourceIp: '203.0.113.9',
  sourcePort: 52_022,
  hook: 'sudo',
  startedAt: at(seconds),
  endedAt: null,
  exitCode: null,
  exitSignal: null,
  recorded: true,
  state: 'open',
  endDetail: null,
  tty: '/dev/pts/1',
  rows: 24,
  cols: 80,
  argv: ['-bash'],
  durationMs: null,
  outBytes: 0,
  inBytes: 0,
  lastActivityAt: at(seconds),
  ...more,
})

export const ended = (row: SessionRow, seconds: number): SessionRow => ({
  ...row,
  state: 'complete',
  endedAt: at(seconds),
  exitCode: 0,
  durationMs: Date.parse(at(seconds)) - Date.parse(row.startedAt),
})

export const command = (line: string, more: Partial<Command> = {}): Command => ({
  atMs: 1_000,
  line,
  argv: [],
  via: 'typed',
  children: [],
  childCount: 0,
  startup: false,
  exitCode: null,
  ...more,
})

/** What an indexer would write after batches fromSeq..nextSeq-1, `lines` being commands number `first`, first + 1, … */
export const update = (
  session: SessionRow,
  [fromSeq, nextSeq]: [number, number],
  lines: (string | Command)[] = [],
  first = 0,
): SessionUpdate => ({
  sessionId: session.id,
  fromSeq,
  nextSeq,
  progress: JSON.stringify({ nextSeq }),
  session,
  commands: lines.map((line, index) => ({
    number: first + index,
    command: typeof line === 'string' ? command(line, { atMs: 1_000 * (first + index) }) : line,
  })),
})

let eventCount = 0
export const event = (seconds: number, more: Record<string, unknown> = {}): SessionEvent =>
  SessionEvent.parse({
    id: `event-${process.pid}-${eventCount++}`,
    at: at(seconds),
    kind: 'login',
    source: 'openssh',
    bastion: 'bastion-1',
    user: 'alice',
    sourceIp: '203.0.113.9',
    outcome: 'success',
    ...more,
  })

/** All items of a list, page by page. */
export const allPages = async <T>(page: (cursor?: string) => Promise<{ items: T[]; next: string | null }>) => {
  const items: T[] = []
  let cursor: string | undefined
  do {
    const { items: more, next } = await page(cursor)
    items.push(...more)
    cursor = next ?? undefined
  } while (cursor !== undefined)
  return items
}
