import { z } from 'zod'

const int = z.coerce.number().int().nonnegative()
const minute = 60_000

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
  learningDays: int
    .default(14)
    .describe('a user is being learned for this long: nothing that rests on habits is alerted'),
  learningLogins: int.default(20).describe('and until so many logins'),
  authFailures: z.strictObject({}).prefault({}),
  authSuccess: z.strictObject({}).prefault({}),
  newSourceIp: z.strictObject({}).prefault({}),
  offHours: z.strictObject({}).prefault({}),
  bulkTransfer: z.strictObject({}).prefault({}),
  privilegeEscalation: z.strictObject({}).prefault({}),
  recordingGap: z.strictObject({}).prefault({}),
})
export type DetectorSettings = z.infer<typeof DetectorSettings>
