import { z } from 'zod'

const centuryMs = 100 * 366 * 86_400_000
const text = (max: number) => z.string().max(max)
const Bytes = z.array(z.number().int().min(0).max(255)).max(65_536)

/** One message of tlog from 2.3 on, as its schema.json and log_format.md say. `time`: Unix s of the message's start; `pos`: ms since the recording's. */
export const TlogMessage = z.object({
  ver: z.union([z.string().max(16), z.number().transform(String)]).refine((ver) => /^2(\.\d{1,5})?$/.test(ver)),
  host: text(253),
  rec: z.string().min(1).max(255),
  user: z.string().min(1).max(256),
  term: text(64).default(''),
  session: z.number().int().min(0).max(0xffff_ffff),
  id: z.number().int().min(1).max(Number.MAX_SAFE_INTEGER),
  pos: z.number().int().min(0).max(centuryMs),
  time: z.number().min(0).max(253_402_300_799),
  timing: text(65_536),
  in_txt: text(65_536).default(''),
  in_bin: Bytes.default([]),
  out_txt: text(65_536).default(''),
  out_bin: Bytes.default([]),
})
export type TlogMessage = z.infer<typeof TlogMessage>

/** What tlog writes where a process has no audit session. */
export const noAuditSession = 0xffff_ffff

/** Unix ms of the recording's start. */
export const startedAtMs = ({ time, pos }: TlogMessage): number => Math.max(0, Math.round(time * 1000) - pos)
