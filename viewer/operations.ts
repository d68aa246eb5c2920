import { z } from 'zod'
import { Suppression } from '#services/alerts/suppressions.ts'
import { Decision } from '#services/alerts/triage.ts'
import { NewSavedSearch, SavedSearch } from '#services/saved-searches/saved-searches.ts'
import { Approval } from '#services/schema/approval.ts'
import { CoverageDay } from '#services/schema/coverage.ts'
import { CodeAnswer, NewCode } from '#services/schema/enrolment.ts'
import { ImportedRecordings, RecordingJob, RecordingQuery } from '#services/schema/recording-upload.ts'
import { Command, listOf, Session } from '#services/schema/session.ts'
import { SessionEvent } from '#services/schema/session-event.ts'
import {
  BatchesAnswer,
  EventsAnswer,
  Heartbeat,
  HeartbeatAnswer,
  ImportKey,
  ImportKeyAnswer,
} from '#services/schema/uplink.ts'
import { Share } from '#services/shares/shares.ts'
import { OpenFindings } from './agents/open-findings.ts'
import { AgentInfo } from './agents/roster.ts'
import { NewLoginLink, NewToken, SignIn } from './routes/access.ts'
import { Revoke, Revoked } from './routes/agents.ts'
import { AlertInfo, AlertsQuery, Triage } from './routes/alerts.ts'
import { ApprovalsQuery, AskAccess, DecideApproval } from './routes/approvals.ts'
import { CoverageParameters } from './routes/coverage.ts'
import { AskCustody, CustodyInfo, NewRetention } from './routes/custody.ts'
import { EventsQuery } from './routes/events.ts'
import { LiveQuery } from './routes/live.ts'
import { LeafPlace } from './routes/log.ts'
import { ExportQuery } from './routes/recordings.ts'
import { ReplayQuery, SegmentQuery, Timeline } from './routes/replay.ts'
import { RuleInfo } from './routes/rules.ts'
import {
  FacetsAnswer,
  FacetsQuery,
  FieldsAnswer,
  Hit,
  SearchQuery,
  SearchSessionsQuery,
  ValuesAnswer,
  ValuesQuery,
} from './routes/search.ts'
import { CommandsQuery, SessionDetails, SessionsQuery, Terminate } from './routes/sessions.ts'
import { OpenShare, SharedReplayQuery, SharedSegmentQuery, SharedSession } from './routes/shared.ts'
import { NewShare, ShareLink } from './routes/shares.ts'
import { StatementInfo } from './routes/statements.ts'
import { EndSuppression, NewSuppression } from './routes/suppressions.ts'
import { UserInfo, UserQuery, UsersQuery } from './routes/users.ts'

const History = z.object({ items: z.array(Decision) })
/** Also why somebody wants to see content, if policy asks for that and the query does not say. */
const shownFor = z.object({ 'x-bartizan-reason': z.string().optional() })
/** `withheld`: hits on this page that the asker may not see: of their own sessions, or without leave of a second person. */
const siftedListOf = <T extends z.ZodType>(item: T) => listOf(item).extend({ withheld: z.number().int() })
export type Operation = {
  method: 'get' | 'post' | 'put' | 'patch' | 'delete'
  path: string
  summary: string
  query?: z.ZodObject
  headers?: z.ZodObject
  body?: z.ZodType
  bodyType?: string
  answer?: z.ZodType
  answerType?: string
  status?: number
  /** Shows what was recorded. */
  isContent?: boolean
}

/** The routes, each with the schemas that check it. */
export const operations: Operation[] = [
  { method: 'get', path: '/healthz', summary: 'The process is alive' },
  { method: 'get', path: '/readyz', summary: 'All stages run' },
  { method: 'get', path: '/metrics', summary: 'Metrics for Prometheus', answerType: 'text/plain' },
  { method: 'post', path: '/api/sign-in', summary: 'Trade a one-time code for a browser session', body: SignIn },
  { method: 'post', path: '/api/sign-out', summary: 'End the browser session', status: 204 },
  { method: 'get', path: '/api/me', summary: 'Who asks' },
  {
    method: 'post',
    path: '/api/login-links',
    summary: 'Make a one-time sign-in link',
    body: NewLoginLink,
    status: 201,
  },
  { method: 'get', path: '/api/tokens', summary: 'All tokens, without their secrets' },
  {
    method: 'post',
    path: '/api/tokens',
    summary: 'Make a token; its secret is shown once',
    body: NewToken,
    status: 201,
  },
  { method: 'delete', path: '/api/tokens/{id}', summary: 'Revoke a token', status: 204 },
  {
    method: 'get',
    path: '/api/sessions',
    summary: 'Sessions, open ones first, then newest first',
    query: SessionsQuery,
    answer: listOf(Session).extend({ withheld: z.number().int().optional() }),
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
  {
    method: 'post',
    path: '/api/sessions/{id}/access',
    summary: 'Ask a second person for leave to see what was recorded in a session',
    body: AskAccess,
    answer: Approval,
    status: 202,
  },
  {
    method: 'get',
    path: '/api/approvals',
    summary: 'What waits for, or got, the word of a second person, newest first; of others only what one may decide',
    query: ApprovalsQuery,
    answer: listOf(Approval),
  },
  { method: 'get', path: '/api/approvals/{id}', summary: 'One of them', answer: Approval },
  {
    method: 'post',
    path: '/api/approvals/{id}',
    summary: 'Decide it: never whoever asked, and nobody about a session of their own',
    body: DecideApproval,
    answer: Approval,
  },
  {
    method: 'get',
    path: '/api/sessions/{id}/custody',
    summary: 'What people decided about the evidence of a session: holds, longer retention, erasure',
    answer: CustodyInfo,
  },
  {
    method: 'post',
    path: '/api/sessions/{id}/hold',
    summary: 'Hold it: neither erased nor disposed of before a second person agreed to let go',
    body: AskCustody,
    answer: CustodyInfo.shape.holds.element,
    status: 201,
  },
  {
    method: 'post',
    path: '/api/sessions/{id}/hold/lift',
    summary: 'Ask a second person to agree that the holds of now end',
    body: AskCustody,
    answer: Approval,
    status: 202,
  },
  {
    method: 'post',
    path: '/api/sessions/{id}/retention',
    summary: 'Keep all of its evidence longer; never shorter',
    body: NewRetention,
    answer: CustodyInfo.shape.retention.unwrap(),
    status: 202,
  },
  {
    method: 'post',
    path: '/api/sessions/{id}/erasure',
    summary: 'Ask a second person to agree that what was recorded is erased, by destroying its key',
    body: AskCustody,
    answer: Approval,
    status: 202,
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
  {
    method: 'get',
    path: '/api/events',
    summary: 'Events, newest first',
    query: EventsQuery,
    answer: siftedListOf(SessionEvent),
    headers: shownFor,
    isContent: true,
  },
  {
    method: 'get',
    path: '/api/search',
    summary: 'Find text in commands and events',
    query: SearchQuery,
    answer: siftedListOf(Hit),
    headers: shownFor,
    isContent: true,
  },
  {
    method: 'get',
    path: '/api/search/sessions',
    summary:
      'What a search finds by session, that with the newest hit first; of each the newest five hits, in order of time',
    query: SearchSessionsQuery,
    headers: shownFor,
    isContent: true,
    answer: siftedListOf(z.object({ session: Session, hits: z.array(Hit), hitCount: listOf(Hit).shape.total })),
  },
  {
    method: 'get',
    path: '/api/search/facets',
    summary:
      'What those of the latest 300 hits that are in sessions and that the asker may see have most: at most 10 of each',
    query: FacetsQuery,
    headers: shownFor,
    isContent: true,
    answer: FacetsAnswer,
  },
  { method: 'get', path: '/api/search/fields', summary: 'Fields of the query language', answer: FieldsAnswer },
  {
    method: 'get',
    path: '/api/search/values',
    summary: 'At most 20 values of a field that begin so',
    query: ValuesQuery,
    answer: ValuesAnswer,
  },
  {
    method: 'get',
    path: '/api/alerts',
    summary: 'What the detectors found, newest first; withdrawn and suppressed ones where asked for',
    query: AlertsQuery,
    answer: listOf(AlertInfo),
  },
  {
    method: 'get',
    path: '/api/alerts/{id}',
    summary: 'One alert; its ETag goes with what is decided about it',
    answer: AlertInfo,
  },
  {
    method: 'get',
    path: '/api/alerts/{id}/history',
    summary: 'What people decided about it, in order',
    answer: History,
  },
  {
    method: 'patch',
    path: '/api/alerts/{id}',
    summary:
      'Decide about an alert: 428 without If-Match, 412 when somebody decided since, or it became graver or was withdrawn',
    headers: z.object({ 'if-match': z.string() }),
    body: Triage,
    answer: AlertInfo,
  },
  {
    method: 'get',
    path: '/api/rules',
    summary: 'What the detectors look for, and by which settings',
    answer: listOf(RuleInfo),
  },
  {
    method: 'get',
    path: '/api/suppressions',
    summary: 'What nobody wants to be woken by, newest first; those that ended stay for 30 days',
    answer: listOf(Suppression),
  },
  {
    method: 'post',
    path: '/api/suppressions',
    summary: 'Suppress alerts that have all that is named, for at most a year',
    body: NewSuppression,
    answer: Suppression,
    status: 201,
  },
  { method: 'delete', path: '/api/suppressions/{id}', summary: 'End a suppression', body: EndSuppression, status: 204 },
  {
    method: 'get',
    path: '/api/searches',
    summary: 'Saved searches: those that somebody with the name of the asker saved, and those that are shared',
    answer: listOf(SavedSearch),
  },
  {
    method: 'post',
    path: '/api/searches',
    summary: 'Save a search; at most 100 each, 1,000 in all',
    body: NewSavedSearch,
    answer: SavedSearch,
    status: 201,
  },
  {
    method: 'delete',
    path: '/api/searches/{id}',
    summary: "Delete a saved search: one of their own, or as an admin anybody's",
    status: 204,
  },
  { method: 'get', path: '/api/users', summary: 'Users seen lately, the latest first', query: UsersQuery },
  {
    method: 'get',
    path: '/api/users/{user}',
    summary: 'When and where from somebody logs in, over their latest 5,000 logins',
    query: UserQuery,
    answer: UserInfo,
  },
  {
    method: 'get',
    path: '/api/agents',
    summary: 'Every agent that is enrolled or was heard, and how it said it was',
    answer: listOf(AgentInfo),
  },
  {
    method: 'get',
    path: '/api/posture',
    summary: 'How much is not well on each bastion, by what it said in the last two days',
    answer: listOf(OpenFindings).extend({ complete: z.boolean() }),
  },
  {
    method: 'get',
    path: '/api/coverage',
    summary:
      'By bastion and UTC day: sessions seen, complete, open, with each sort of gap; how long the agent was silent',
    query: CoverageParameters,
    answer: listOf(CoverageDay),
  },
  {
    method: 'get',
    path: '/api/coverage/statements',
    summary: "What was stated of bastions' days when they were over: signed notes, leaves of the transparency log",
    query: CoverageParameters,
    answer: listOf(StatementInfo),
  },
  {
    method: 'get',
    path: '/api/log/key',
    summary: 'Public key of the transparency log, as c2sp.org/signed-note writes it',
    answerType: 'text/plain',
  },
  {
    method: 'get',
    path: '/api/log/checkpoint',
    summary: 'Latest checkpoint of the transparency log (c2sp.org/tlog-checkpoint)',
    answerType: 'text/plain',
  },
  {
    method: 'get',
    path: '/api/log/tile/{path}',
    summary: 'Tile or entry bundle of the transparency log; the path holds slashes, as c2sp.org/tlog-tiles has them',
    answerType: 'application/octet-stream',
  },
  {
    method: 'get',
    path: '/api/log/leaf/{id}',
    summary: 'Index of a leaf; the id is the RFC 6962 hash of its entry, hex',
    answer: LeafPlace,
  },
  {
    method: 'post',
    path: '/api/agents/{bastion}/codes',
    summary: 'Make a one-time code that enrols the agent of this bastion; it is shown once',
    body: NewCode,
    answer: CodeAnswer,
    status: 201,
  },
  {
    method: 'post',
    path: '/api/agents/{bastion}/revoke',
    summary: "Take the bastion's certificates, tokens, signing keys and codes back, within seconds",
    body: Revoke,
    answer: Revoked,
  },
  {
    method: 'post',
    path: '/api/ingest/batches',
    summary: 'Frame batches of an agent',
    bodyType: 'application/x-protobuf',
    answer: BatchesAnswer,
  },
  {
    method: 'post',
    path: '/api/ingest/events',
    summary: 'Events, one JSON object per line',
    bodyType: 'application/x-ndjson',
    answer: EventsAnswer,
  },
  {
    method: 'post',
    path: '/api/ingest/recordings',
    summary: 'One recording of another recorder as a sealed session; over 64 MiB, or 30 s: 202, and a job in Location',
    query: RecordingQuery,
    bodyType: 'application/octet-stream',
    answer: ImportedRecordings,
  },
  {
    method: 'get',
    path: '/api/ingest/recordings/jobs/{id}',
    summary: 'What became of a recording whose upload was answered with 202',
    answer: RecordingJob,
  },
  {
    method: 'post',
    path: '/api/ingest/signing-keys',
    summary: 'The key with which an import signs what it sends for a bastion',
    body: ImportKey,
    answer: ImportKeyAnswer,
  },
  {
    method: 'put',
    path: '/api/agents/heartbeat',
    summary: 'Heartbeat of an agent; the answer may be held for orders',
    body: Heartbeat,
    answer: HeartbeatAnswer,
  },
]
