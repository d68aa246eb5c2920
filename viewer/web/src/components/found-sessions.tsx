import { Anchor, Badge, Group, Text } from '@mantine/core'
import type { ReactNode } from 'react'
import { Link } from 'react-router'
import type { FoundSession, SearchHit, Session } from '../api.ts'
import { formatDuration, formatOffset, Time } from '../time.tsx'
import { visible } from '../visible.ts'
import { AddressPivot, HostPivot, UserPivot } from './pivots.tsx'
import { SessionState } from './session-state.tsx'

const wheres: Record<SearchHit['in'], string> = { commands: 'command', screen: 'screen', events: 'event' }

/** With what was looked for marked in it. */
export const Snippet = ({ hit: { snippet, highlights } }: { hit: Pick<SearchHit, 'snippet' | 'highlights'> }) => {
  const parts: ReactNode[] = []
  let done = 0
  for (const [start, end] of highlights) {
    if (start < done) continue
    parts.push(visible(snippet.slice(done, start)), <mark key={start}>{visible(snippet.slice(start, end))}</mark>)
    done = end
  }
  return (
    <span className="snippet">
      {parts}
      {visible(snippet.slice(done))}
    </span>
  )
}

const linkOf = (session: Session, hit: SearchHit, q: string): string =>
  `/sessions/${session.id}?${new URLSearchParams({ t: String(hit.atMs ?? 0), q })}`

const Hit = ({ session, hit, q }: { session: Session; hit: SearchHit; q: string }) => (
  <li>
    <Link className="hit" to={linkOf(session, hit, q)} data-hit>
      <Text span size="xs" ff="monospace" className="hit-offset">
        {hit.atMs === null ? '–' : formatOffset(hit.atMs)}
      </Text>
      <Text span size="xs" c="dimmed" className="hit-at">
        <Time at={hit.at} />
      </Text>
      <Badge size="xs" variant="default" className="badge">
        {wheres[hit.in]}
      </Badge>
      <Snippet hit={hit} />
    </Link>
  </li>
)

const Found = ({ found: { session, hits, hitCount }, q }: { found: FoundSession; q: string }) => (
  <article className="found" aria-label={visible(`${session.user} on ${session.bastion}`)}>
    <Group gap="sm" wrap="wrap">
      <Anchor
        component={Link}
        to={`/sessions/${session.id}?${new URLSearchParams({ q })}`}
        size="sm"
        fw={600}
        {...(hits.length === 0 && { 'data-hit': true })}
      >
        <Time at={session.startedAt} />
      </Anchor>
      <UserPivot value={session.user} />
      <HostPivot value={session.bastion} />
      <AddressPivot value={session.sourceIp} />
      <SessionState session={session} />
      <Text size="xs" c="dimmed">
        {session.durationMs !== null && formatDuration(session.durationMs)}
        {session.evidence === 'pending' && ' · evidence pending'}
      </Text>
    </Group>
    {hits.length > 0 && (
      <ol>
        {hits.map((hit) => (
          <Hit key={`${hit.in} ${hit.atMs} ${hit.eventId} ${hit.snippet}`} {...{ session, hit, q }} />
        ))}
      </ol>
    )}
    {hitCount.value > hits.length && (
      <Text size="xs" c="dimmed" pl={8}>
        {hitCount.relation === 'gte' ? 'more than ' : ''}
        {hitCount.value.toLocaleString('en')} hits in this session; all are marked in its replay
      </Text>
    )}
  </article>
)

/** The hit before or after the one that has the focus; the box before the first. */
const walk = (list: HTMLElement, direction: 1 | -1): void => {
  const hits = [...list.querySelectorAll<HTMLElement>('[data-hit]')]
  const next = hits.indexOf(document.activeElement as HTMLElement) + direction
  if (next < 0) document.querySelector<HTMLElement>('search input')?.focus()
  else hits[next]?.focus()
}

export const focusFirstHit = (): void => document.querySelector<HTMLElement>('[data-hit]')?.focus()

/** Hits by session; the arrow keys go from one to the next, Enter opens it. */
export const FoundSessions = ({ items, q }: { items: FoundSession[]; q: string }) => (
  // biome-ignore lint/a11y/noStaticElementInteractions: the links in it take the keys; these only move the focus.
  <div
    onKeyDown={(event) => {
      if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') return
      event.preventDefault()
      walk(event.currentTarget, event.key === 'ArrowDown' ? 1 : -1)
    }}
  >
    {items.map((found) => (
      <Found key={found.session.id} found={found} q={q} />
    ))}
  </div>
)
