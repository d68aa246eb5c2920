import { SessionEvent } from '#services/schema/session-event.ts'
import { EventsQuery } from '../routes/events.ts'
import { UserInfo, UserQuery, UsersQuery } from '../routes/users.ts'
import { type Operation, shownFor, siftedListOf } from './operation.ts'

/** What was seen: events, users. */
export const seenOperations: Operation[] = [
  {
    method: 'get',
    path: '/api/events',
    summary: 'Events, newest first',
    query: EventsQuery,
    answer: siftedListOf(SessionEvent),
    headers: shownFor,
    isContent: true,
  },
  { method: 'get', path: '/api/users', summary: 'Users seen lately, the latest first', query: UsersQuery },
  {
    method: 'get',
    path: '/api/users/{user}',
    summary: 'When and where from somebody logs in, over their latest 5,000 logins',
    query: UserQuery,
    answer: UserInfo,
  },
]
