import { z } from 'zod'

/** Payload of a frame with stream MARKER: what the recorder knows besides bytes, at its exact place in the stream. */
export const Marker = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('exec'), // an Accept of sudo's log_subcmds: one execve
    argv: z.array(z.string()).max(4096), // secrets masked
    command: z.string(), // path of the program
    cwd: z.string().nullable(),
    runAs: z.string().nullable(),
  }),
  z.object({
    type: z.literal('alert'), // an Alert of the source, e.g. sudo's policy
    reason: z.string(),
  }),
  z.object({
    type: z.literal('gap'), // bytes that existed and were not recorded
    reason: z.enum(['spool_full', 'agent_restart', 'clock', 'source']),
    detail: z.string(),
    lostBytes: z.number().int().nonnegative().nullable(),
  }),
  z.object({ type: z.literal('resumed'), detail: z.string() }), // the source came back and went on
])
export type Marker = z.infer<typeof Marker>
