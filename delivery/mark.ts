import { z } from 'zod'
import { AlertStatus, Severity } from '#services/schema/alert.ts'
import { EffectiveStatus } from '#services/sinks/notice.ts'

/** What a notifying destination remembers of one alert. */
export const Mark = z.object({
  told: z.partialRecord(EffectiveStatus, Severity), // per status, the highest severity that was told, or stood in "N more"
  triage: AlertStatus.nullable(), // the last word of a person
  counted: z.number().int(), // the alert's count when it was last looked at
  seenDay: z.string(), // UTC
})
export type Mark = z.infer<typeof Mark>
