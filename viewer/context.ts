import type { AgentKeys } from '#services/access/agent-keys.ts'
import type { BrowserSessions } from '#services/access/browser-sessions.ts'
import type { LoginLinks } from '#services/access/login-links.ts'
import type { Ownership } from '#services/access/ownership.ts'
import type { Tokens } from '#services/access/tokens.ts'
import type { EnrolmentCodes } from '#services/agents/enrolment-codes.ts'
import type { Enrolments } from '#services/agents/enrolments.ts'
import type { Heartbeats } from '#services/agents/heartbeats.ts'
import type { ReceiverPlace } from '#services/agents/receiver-place.ts'
import type { Silences } from '#services/agents/silences.ts'
import type { Suppressions } from '#services/alerts/suppressions.ts'
import type { AlertTriage } from '#services/alerts/triage.ts'
import type { Approvals } from '#services/approvals/approvals.ts'
import type { Bus } from '#services/bus/bus.ts'
import type { AlertReader, CatalogReader } from '#services/catalog/catalog.ts'
import type { Clock } from '#services/clock.ts'
import type { Config } from '#services/config.ts'
import type { CustodyDesk } from '#services/custody/custody.ts'
import type { KeyStore } from '#services/keys/key-store.ts'
import type { Logger } from '#services/log.ts'
import type { NoteVerifier } from '#services/proofs/note.ts'
import type { RecordingReader } from '#services/recordings/recording-store.ts'
import type { SavedSearches } from '#services/saved-searches/saved-searches.ts'
import type { Shares } from '#services/shares/shares.ts'
import type { Audit } from './access/audit.ts'
import type { ContentGate } from './access/content-gate.ts'
import type { LiveHub } from './live/hub.ts'
import type { Replays } from './playback/replays.ts'

/** What the viewer's routes work with. Of what is recorded it can change nothing; it reads, and appends audit records. */
export type ViewerContext = {
  config: Config
  catalog: CatalogReader & AlertReader
  recordings: RecordingReader
  keys: Pick<KeyStore, 'get'>
  /** Whoever has it can check the checkpoints of the transparency log. */
  logVerifier: NoteVerifier
  bus: Pick<Bus, 'produce' | 'lag'>
  tokens: Tokens
  loginLinks: LoginLinks
  browserSessions: BrowserSessions
  audit: Audit
  /** Whose a session is. */
  ownership: Ownership
  approvals: Approvals
  /** What people decided about evidence. */
  custody: CustodyDesk
  /** Somebody decided something: whoever carries it out need not wait. */
  custodyChanged: () => void
  /** Everything that shows what was recorded passes it. */
  content: ContentGate
  /** Recordings as they are played. */
  replays: Replays
  /** Links for people without an account. */
  shares: Shares
  triage: Pick<AlertTriage, 'of' | 'decide'>
  suppressions: Suppressions
  savedSearches: SavedSearches
  /** Sessions that run now. */
  live: Pick<LiveHub, 'prepare' | 'watch'>
  agents: {
    codes: Pick<EnrolmentCodes, 'issue' | 'revoke'>
    enrolments: Pick<Enrolments, 'list' | 'revoke'>
    heartbeats: Pick<Heartbeats, 'list'>
    signingKeys: Pick<AgentKeys, 'list' | 'revokeAll'>
    /** Where agents of other machines enrol; null: nowhere. */
    receiver: () => Promise<ReceiverPlace | null>
  }
  /** When agents were not heard. */
  silences: Pick<Silences, 'days'>
  terminate: (order: { bastion: string; sessionId: string; text: string }) => Promise<void>
  ready: () => boolean
  metrics: () => Promise<{ contentType: string; text: string }>
  publicUrl: () => string
  clock: Clock
  log: Logger
}
