import type { NoteVerifier } from '../proofs/note.ts'
import type { DisposalStore, StoredVersion } from '../recordings/disposal-store.ts'
import { evidenceRoots } from '../recordings/recording-key.ts'
import type { RecordingReader } from '../recordings/recording-store.ts'
import type { Custody } from '../schema/custody.ts'
import { actsPrefix, actsRoot, openAct } from './act-format.ts'
import { type CustodyDesk, isHeld } from './custody.ts'
import { sessionOf } from './session-of.ts'

const dayMs = 86_400_000
const soonMs = 30 * dayMs
const idleMs = 365 * dayMs
const mostNamed = 20
const mostScanned = 2_000_000 // objects; beyond, the report says that it is not whole
const pageSize = 1_000

type Sum = { objects: number; sizeBytes: number }
export type CustodyReport = {
  at: string
  held: Sum & { sessions: number }
  expiring: Sum // within 30 days, and not held
  expired: Sum // and still there: what a disposal would take
  disposed: number // objects that acts of the last day name
  erasing: number // sessions
  erased: number
  idleHolds: { sessions: number; named: string[] } // nothing was decided about them for a year
  isWhole: boolean
}
export type ReportContext = {
  custody: Pick<CustodyDesk, 'all'>
  store: Pick<DisposalStore, 'versions'>
  recordings: Pick<RecordingReader, 'list' | 'get'>
  verifier: NoteVerifier
  clock: { now(): number }
}

const lastDecidedMs = ({ holds }: Custody): number =>
  Math.max(...holds.flatMap(({ at, lifted }) => [Date.parse(at), Date.parse(lifted?.at ?? at)]))

/** What people decided, session by session. */
const decidedNow = async ({ custody, clock }: ReportContext, report: CustodyReport): Promise<Set<string>> => {
  const held = new Set<string>()
  for await (const each of custody.all()) {
    if (each.erasure !== null) report[each.erasure.state]++
    if (!isHeld(each)) continue
    held.add(each.sessionId)
    if (clock.now() - lastDecidedMs(each) < idleMs) continue
    report.idleHolds.sessions++
    if (report.idleHolds.named.length < mostNamed) report.idleHolds.named.push(each.sessionId)
  }
  report.held.sessions = held.size
  return held
}

const add = (sum: Sum, { sizeBytes }: StoredVersion): void => {
  sum.objects++
  sum.sizeBytes += sizeBytes
}

const scan = async ({ store, clock }: ReportContext, report: CustodyReport, held: Set<string>): Promise<void> => {
  let scanned = 0
  for (const root of evidenceRoots)
    for await (const versions of store.versions(`${root}/`)) {
      if (versions[0]!.key.startsWith(actsRoot)) continue
      scanned += versions.length
      if (scanned > mostScanned) {
        report.isWhole = false
        return
      }
      for (const version of versions) {
        const leftMs = (version.retainedUntil?.getTime() ?? Number.POSITIVE_INFINITY) - clock.now()
        if (version.isHeld || held.has(sessionOf(version.key) ?? '')) add(report.held, version)
        else if (leftMs <= 0) add(report.expired, version)
        else if (leftMs <= soonMs) add(report.expiring, version)
      }
    }
}

/** Ids sort by time (RFC 9562, 5.7): only acts of the last day are read. */
const disposedSince = async ({ recordings, verifier }: ReportContext, sinceMs: number): Promise<number> => {
  const hex = Math.max(0, sinceMs).toString(16).padStart(12, '0')
  const prefix = actsPrefix(null)
  let after = `${prefix}${hex.slice(0, 8)}-${hex.slice(8)}`
  let objects = 0
  while (true) {
    const page = await recordings.list(prefix, { after, limit: pageSize })
    for (const { key } of page) {
      const act = openAct(await recordings.get(key), verifier)
      if (act.kind === 'disposal') objects += act.objects.length
    }
    if (page.length < pageSize) return objects
    after = page.at(-1)!.key
  }
}

/** How much evidence is held, about to end, disposed of, erased. Reads only; takes as long as a walk over all evidence. */
export const makeReport = async (ctx: ReportContext): Promise<CustodyReport> => {
  const none = (): Sum => ({ objects: 0, sizeBytes: 0 })
  const report: CustodyReport = {
    at: new Date(ctx.clock.now()).toISOString(),
    held: { sessions: 0, ...none() },
    ...{ expiring: none(), expired: none(), disposed: 0, erasing: 0, erased: 0 },
    idleHolds: { sessions: 0, named: [] },
    isWhole: true,
  }
  await scan(ctx, report, await decidedNow(ctx, report))
  report.disposed = await disposedSince(ctx, ctx.clock.now() - dayMs)
  return report
}

const sumText = ({ objects, sizeBytes }: Sum): string =>
  `${objects} objects, ${(sizeBytes / 1024 / 1024).toFixed(1)} MiB`

/** For people and for an event. */
export const reportLines = (report: CustodyReport): string[] => {
  const { held, expiring, expired, disposed, erasing, erased, idleHolds, isWhole } = report
  const named = idleHolds.named.length > 0 ? `: ${idleHolds.named.join(' ')}` : ''
  return [
    `held: ${held.sessions} sessions (${sumText(held)})`,
    `retention ends within 30 days: ${sumText(expiring)}`,
    `past retention and still there: ${sumText(expired)}`,
    `disposed of in the last day: ${disposed} objects`,
    `erasing: ${erasing} sessions, erased: ${erased}`,
    `holds without a decision for a year: ${idleHolds.sessions}${named}`,
    ...(isWhole ? [] : [`counted only the first ${mostScanned} objects`]),
  ]
}
