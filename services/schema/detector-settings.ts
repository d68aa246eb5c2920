import { z } from 'zod'
import { statusLimits } from './agent-status.ts'
import { Flag } from './flag.ts'

const int = z.coerce.number().int().nonnegative()
const minute = 60_000

const AuthFailures = z.strictObject({
  fastMs: int.default(60 * minute).describe('attempts on real accounts from one address are counted over this time'),
  fastAttempts: int.min(2).max(20).default(10).describe('so many within it are an attack'),
  dayAttempts: int.default(20).describe('and so many of one incident, however far apart'),
  slowGapMs: int.default(10 * minute).describe('median gap from which attempts are slow on purpose'),
  slowAttempts: int.min(2).max(20).default(6).describe('so many slow ones without a success are an attack'),
  sprayAccounts: int.min(2).max(20).default(5).describe('so many real accounts tried from one address are a spray'),
  familiarAttempts: int.default(100).describe('of accounts that log in from there, or from an office or VPN'),
  familiarAccounts: int
    .min(2)
    .max(24)
    .default(12)
    .describe('likewise accounts that fail there and have not got in since'),
  systemAttempts: int.default(40).describe('of root and other accounts that every host has'),
  insideNames: int
    .min(2)
    .max(12)
    .default(10)
    .describe('names nobody has, tried from an office, VPN or automation network'),
  networks: int.min(2).max(24).default(4).describe('so many networks that try one account are one distributed attack'),
  networksAttempts: int.default(10).describe('with so many attempts between them'),
  quietMs: int.default(6 * 60 * minute).describe('after so long without an attempt the next one is another incident'),
})
const AuthSuccess = z.strictObject({
  failures: int.default(5).describe('so many failures before a success are no typing mistakes'),
  withinMs: int.default(30 * minute).describe('longest pause within such a run, and between it and the success'),
  sprayAccounts: int.min(2).max(12).default(5).describe('names that failed from the address before somebody got in'),
})
const BulkTransfer = z.strictObject({
  floorBytes: int.default(100_000_000).describe('less than this in a day or session is never alerted'),
  floorFiles: int.default(200),
  uploadFactor: int.default(5).describe('uploads: the floors times this'),
  weekFactor: int.default(3).describe('seven days: the floors times this'),
  score: z.coerce.number().positive().default(5).describe('robust z-score that is unusual for the user'),
  peakScore: z.coerce.number().positive().default(3).describe('likewise, for more than three times the most so far'),
  ceilingBytes: int
    .default(20_000_000_000)
    .describe('what peers never move: alerted also of a user who is being learned'),
  ceilingFiles: int.default(20_000),
})
const PrivilegeEscalation = z.strictObject({
  habitDays: int.default(2).describe('days on which a user did a thing before it is a habit; one while being learned'),
  routineDays: int
    .default(3)
    .describe('likewise for what alerts of anybody: who does it on so many days does it for a living'),
  refusals: int.default(3).describe('refused attempts that alert'),
  refusalsMs: int.default(30 * minute).describe('within this time'),
})
const RecordingGap = z.strictObject({
  graceMs: int.default(minute).describe('a login is recorded within this time'),
  allowTunnels: Flag.default(false).describe('connections that only forward are wanted here'),
  silentMs: int.default(20 * minute).describe('an agent that said nothing for so long is silent'),
  quietMs: int.default(30 * minute).describe('what is killed on a bastion within this time is one incident'),
  habitCount: int
    .default(3)
    .describe('so many unrecorded sessions of a user who is hardly ever recorded are told, no more'),
  clockWarnMs: int
    .default(statusLimits.clockWarnMs)
    .describe("a bastion's clock further from the receiver's is told (low)"),
  clockAlertMs: int.default(statusLimits.clockAlertMs).describe('and further than this it is medium'),
  spoolWarnShare: z.coerce.number().default(statusLimits.spoolWarnShare).describe('a spool fuller than this is told'),
  spoolAlertShare: z.coerce.number().default(statusLimits.spoolAlertShare).describe('and fuller than this it is high'),
})

const NewSourceIp = z.strictObject({
  historyDays: int.default(120).describe('days on which a user logged in that count'),
  addresses: int.max(200).default(96).describe('addresses of a user that are remembered, the latest'),
  peers: int.default(2).describe('an address or network from which so many others came is none of one person'),
  nearBits4: int
    .default(10)
    .describe('without networks in an MMDB: IPv4 addresses that begin alike are of one provider'),
  nearBits6: int.default(28).describe('likewise of IPv6'),
  newRate: z.coerce
    .number()
    .default(0.08)
    .describe('whose provider is new on more of the days than this is not alerted'),
  newCountryRate: z.coerce.number().default(0.2).describe('likewise whose country is new'),
  travelMarginMs: int
    .default(36 * 60 * minute)
    .describe('a journey may begin sooner and end later than planned by this'),
  failures: int.default(3).describe('failed attempts from the address in the hour before that make it worse'),
  settleLogins: int.default(3).describe('so many logins from there and none from elsewhere: moved, no alert any more'),
  settleMs: int.default(12 * 60 * minute).describe('when they lie so far apart'),
})
const OffHours = z.strictObject({
  halfLifeDays: int.default(75).describe('a habit counts half after so many days'),
  usualShare: z.coerce
    .number()
    .default(0.03)
    .describe('an hour is usual when there were logins in it on this share of days'),
  coreShare: z.coerce
    .number()
    .default(0.15)
    .describe('likewise an hour in which the work is done: those around it are not far'),
  workdayHours: int.max(24).default(9).describe('a working day lasts so long, from the first usual hour'),
  earlyHours: int.max(24).default(3).describe('alerted when so many hours before the next usual one or office hours'),
  lateHours: int.max(24).default(6).describe('and so many after the last'),
  anyHours: int.default(18).describe('who has so many usual hours of the day works at any'),
  nights: int.default(2).describe('who was there on so many nights before is there at night at times'),
  nightsDays: int.default(60).describe('within these days'),
  awayDays: int.default(30).describe('who is away is away for so long, then the hours there are learned'),
  freeWeeks: int.default(6).describe('who never came on a free day for so many weeks is alerted in daytime too'),
  dutyMarginMs: int.default(60 * minute).describe('duty may begin sooner and end later than planned by this'),
  gapMs: int.default(8 * 60 * minute).describe('logins that lie further apart are of two incidents'),
})

/** Thresholds of the rules; what a rule decides by is here and nowhere else. */
export const DetectorSettings = z.strictObject({
  directoryFile: z
    .string()
    .optional()
    .describe('people, places and plans: YAML, JSON, or a folder with one CSV per table'),
  geoFile: z
    .string()
    .optional()
    .describe('MMDB with countries, cities or networks; absent: nothing is concluded from places'),
  horizonMs: int.default(10 * minute).describe('events that arrive this late still end in the same alerts'),
  snapshotMs: int
    .default(5_000)
    .describe(
      'interval at which what is known of users, networks and bastions is stored, and alerts that grow are told',
    ),
  maxEntities: int.min(100).default(10_000).describe('users, networks and bastions that a process keeps in memory'),
  learningDays: int
    .default(14)
    .describe('a user is being learned for this long: nothing that rests on habits is alerted'),
  learningLogins: int.default(20).describe('and until so many logins'),
  authFailures: AuthFailures.prefault({}),
  authSuccess: AuthSuccess.prefault({}),
  newSourceIp: NewSourceIp.prefault({}),
  offHours: OffHours.prefault({}),
  bulkTransfer: BulkTransfer.prefault({}),
  privilegeEscalation: PrivilegeEscalation.prefault({}),
  recordingGap: RecordingGap.prefault({}),
})
export type DetectorSettings = z.infer<typeof DetectorSettings>
