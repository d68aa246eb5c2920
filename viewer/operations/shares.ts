import { listOf } from '#services/schema/session.ts'
import { Share } from '#services/shares/shares.ts'
import { Timeline } from '../routes/replay.ts'
import { OpenShare, SharedReplayQuery, SharedSegmentQuery, SharedSession } from '../routes/shared.ts'
import { NewShare, ShareLink } from '../routes/shares.ts'
import type { Operation } from './operation.ts'

/** Links that show a part of a session. */
export const sharesOperations: Operation[] = [
  {
    method: 'post',
    path: '/api/sessions/{id}/shares',
    summary: 'Make a link that shows a part of it to who has no account, until it expires; its secret is shown once',
    body: NewShare,
    answer: ShareLink,
    status: 201,
  },
  {
    method: 'get',
    path: '/api/sessions/{id}/shares',
    summary: 'Links that were made to it, without their secrets, and when and from where they were opened',
    answer: listOf(Share),
  },
  { method: 'delete', path: '/api/shares/{id}', summary: 'End a link: who made it, or an admin', status: 204 },
  {
    method: 'post',
    path: '/api/shared',
    summary: 'Open a link without an account: the answer sets a cookie that is good for this alone',
    body: OpenShare,
    status: 204,
  },
  { method: 'get', path: '/api/shared/session', summary: 'What the link shows', answer: SharedSession },
  {
    method: 'get',
    path: '/api/shared/replay/index.json',
    summary: 'Index of the part that is shown, for asciinema-player (segmented form); times count from its beginning',
    query: SharedReplayQuery,
  },
  {
    method: 'get',
    path: '/api/shared/replay/segments/{number}.json',
    summary: 'A segment of it, by the address that the index gives',
    query: SharedSegmentQuery,
  },
  {
    method: 'get',
    path: '/api/shared/replay/timeline.json',
    summary: 'How long it was and is played, and moments worth a look; times count from its beginning',
    query: SharedReplayQuery,
    answer: Timeline,
  },
]
