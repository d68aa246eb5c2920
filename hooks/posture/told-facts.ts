import { hash } from 'node:crypto'
import { z } from 'zod'
import type { Fact } from './verdict.ts'

/** What the collector, which is root, leaves for the agent, which is not: one file per run, numbered. */
export const ToldFacts = z.object({
  version: z.literal(1),
  events: z
    .array(
      z.object({
        id: z.string().regex(/^[0-9a-f]{64}$/),
        at: z.iso.datetime(),
        check: z.string().max(128),
        status: z.enum(['ok', 'warn', 'fail']),
        user: z.string().max(256).optional(),
        detail: z.record(z.string(), z.unknown()),
        fix: z.string().max(2_000).optional(),
      }),
    )
    .max(2_000),
})
export type ToldFacts = z.infer<typeof ToldFacts>

/** How far the agent has got. */
export const Taken = z.object({ version: z.literal(1), lastFile: z.number().int().nonnegative() })

export const maxFileBytes = 1024 * 1024
const fillBytes = maxFileBytes / 2

const fileName = /^(\d{16})\.json$/
export const nameOf = (number: number): string => `${String(number).padStart(16, '0')}.json`
/** Numbers of the files that wait, in order. */
export const numbersOf = (names: readonly string[]): number[] =>
  names
    .flatMap((name) => Number(fileName.exec(name)?.[1] ?? Number.NaN))
    .filter(Number.isSafeInteger)
    .sort((a, b) => a - b)

/** The same saying has the same id however often the agent reads its file. */
const eventOf = (bastion: string, atMs: number, fact: Fact): ToldFacts['events'][number] => ({
  id: hash('sha256', `posture\n${bastion}\n${fact.check}\n${fact.user ?? ''}\n${atMs}\n`),
  at: new Date(atMs).toISOString(),
  ...fact,
})

/** Contents of as many files as it takes. */
export const toldFiles = (bastion: string, atMs: number, facts: readonly Fact[]): string[] => {
  const files: ToldFacts['events'][] = []
  let bytes = Number.POSITIVE_INFINITY
  for (const event of facts.map((fact) => eventOf(bastion, atMs, fact))) {
    const size = Buffer.byteLength(JSON.stringify(event))
    if (bytes + size > fillBytes) {
      files.push([])
      bytes = 0
    }
    files.at(-1)!.push(event)
    bytes += size
  }
  return files.map((events) => JSON.stringify({ version: 1, events } satisfies ToldFacts))
}
