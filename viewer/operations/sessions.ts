import { z } from 'zod'
import { Command, listOf, Session } from '#services/schema/session.ts'
import { LiveQuery } from '../routes/live.ts'
import { ExportQuery } from '../routes/recordings.ts'
import { ReplayQuery, SegmentQuery, Timeline } from '../routes/replay.ts'
import { Hints } from '../routes/search.ts'
import { CommandsQuery, SessionDetails, SessionsQuery, Terminate } from '../routes/sessions.ts'
import { type Operation, shownFor } from './operation.ts'

/** Sessions, and what was recorded in them. */
export const sessionsOperations: Operation[] = [
  {
    method: 'get',
    path: '/api/sessions',
    summary: 'Sessions, open ones first, then newest first',
    query: SessionsQuery,
    answer: listOf(Session).extend({ withheld: z.number().int().optional(), hints: Hints.optional() }),
    headers: shownFor,
    isContent: true,
  },
  { method: 'get', path: '/api/sessions/{id}', summary: 'One session', answer: SessionDetails },
  {
    method: 'get',
    path: '/api/sessions/{id}/commands',
    summary: 'What was run in it, in order',
    query: CommandsQuery,
    headers: shownFor,
    isContent: true,
    answer: listOf(Command),
  },
  {
    method: 'get',
    path: '/api/sessions/{id}/replay/index.json',
    summary:
      'Index of the recording for asciinema-player (segmented form); pauses longer than idleMs are played as long as that',
    query: ReplayQuery,
    headers: shownFor,
    isContent: true,
  },
  {
    method: 'get',
    path: '/api/sessions/{id}/replay/segments/{number}.json',
    summary: 'A segment of the recording, by the address that the index gives',
    query: SegmentQuery,
    headers: shownFor,
    isContent: true,
  },
  {
    method: 'get',
    path: '/api/sessions/{id}/replay/timeline.json',
    summary: 'How long it was and is played, where pauses are shortened, and moments worth a look, in session time',
    query: ReplayQuery,
    answer: Timeline,
    headers: shownFor,
    isContent: true,
  },
  {
    method: 'get',
    path: '/api/sessions/{id}/export',
    summary:
      'The recording as asciicast v2 or v3, transcript, text or NDJSON, or its evidence with the proofs, as an archive (tar)',
    query: ExportQuery,
    headers: shownFor,
    isContent: true,
    answerType: 'application/octet-stream',
  },
  {
    method: 'get',
    path: '/api/sessions/{id}/live',
    summary:
      'A WebSocket with the sub-protocol v1.alis: the screen of a running session as it is, or was afterUs microseconds into it, then what comes',
    query: LiveQuery,
    status: 101,
  },
  {
    method: 'post',
    path: '/api/sessions/{id}/terminate',
    summary: 'End a running session',
    body: Terminate,
    status: 202,
  },
]
