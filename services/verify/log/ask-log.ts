import type { NoteVerifier } from '../../proofs/note.ts'
import { tileWidth } from '../../proofs/tiles.ts'
import type { Finding } from '../finding.ts'
import type { EvidenceSource } from '../read-objects.ts'
import { isEverything, type Scope } from '../scope.ts'
import { readBundles } from './bundles.ts'
import { keptCheckpoint, latestCheckpoint, type ReadCheckpoint, storedCheckpoints } from './checkpoints.ts'
import { scanLog } from './scan.ts'
import { createStoredLog, isFinding, logFinding, type StoredLog } from './stored-log.ts'
import { createWitness, type Witness } from './witness.ts'

/** `kept`: checkpoints, as signed notes, that were kept where nobody of this installation could reach them. */
export type LogToAsk = { verifier: NoteVerifier; kept: readonly Uint8Array[] }
/** `size`: leaves that the latest checkpoint covers; 0 without any. */
export type AskedLog = {
  origin: string
  size: number
  rootBase64: string | null
  storedAt: string | null
  kept: number
}

const rewound = ({ size, key }: ReadCheckpoint, latest: ReadCheckpoint | null): Finding =>
  logFinding('tampered', 'log-rewound', key, `the log had ${size} leaves once, and has ${latest?.size ?? 0} now`)

const aboutOf = ({ verifier, kept }: LogToAsk, latest: ReadCheckpoint | null): AskedLog => ({
  origin: verifier.name,
  size: latest?.size ?? 0,
  rootBase64: latest && Buffer.from(latest.root).toString('base64'),
  storedAt: latest?.storedAt?.toISOString() ?? null,
  kept: kept.length,
})

/** What is to be compared with the leaves. `told`: what was found wrong on the way to the latest. */
async function* checkpointsOf(log: StoredLog, latest: ReadCheckpoint, thorough: boolean, told: ReadonlySet<string>) {
  if (!thorough) yield latest
  else for await (const each of storedCheckpoints(log)) if (!isFinding(each) || !told.has(each.where.key)) yield each
}

/** Leaves whose objects were not met: a second way through the log, which ends with the last of them. */
async function* absentOf(log: StoredLog, size: number, witness: Witness): AsyncGenerator<Finding> {
  if (witness.left() === 0) return
  for await (const { index, entries, made } of readBundles(log, size)) {
    for (const [at, entry] of (entries ?? []).entries()) {
      const found = await witness.absent({ index: index * tileWidth + at, id: made![at]!, entry })
      if (found) yield found
    }
    if (witness.left() === 0) return
  }
}

/**
 * Reads the whole log, before the evidence is looked at.
 * @throws BTZ_EVIDENCE_CORRUPT: what was kept is no checkpoint of this log
 */
export async function* askLog(
  source: EvidenceSource,
  scope: Scope,
  ask: LogToAsk,
  onLeaves: (leaves: number) => void = () => {},
): AsyncGenerator<Finding, Asked> {
  const log = createStoredLog(source, ask.verifier)
  const kept = ask.kept.map((note) => keptCheckpoint(note, log))
  const told = new Set<string>()
  const finding = latestCheckpoint(log)
  let step = await finding.next()
  for (; !step.done; step = await finding.next()) {
    told.add(step.value.where.key)
    yield step.value
  }
  const latest = step.value
  const size = latest?.size ?? 0
  for (const each of kept) if (each.size > size) yield rewound(each, latest)
  const thorough = isEverything(scope)
  const witness = createWitness(log, scope, latest, thorough ? size : 0)
  if (latest !== null) {
    const stored = checkpointsOf(log, latest, thorough, told)
    const within = kept.filter((each) => each.size <= size)
    for await (const { leaves, findings } of scanLog(log, { ...latest, kept: within, stored, thorough })) {
      yield* findings
      yield* witness.take(leaves)
      onLeaves((leaves.at(-1)?.index ?? 0) + 1)
    }
  }
  const { look, excuses } = witness
  return { about: aboutOf(ask, latest), look, excuses, rest: () => absentOf(log, size, witness) }
}
/** `rest`: after all of the evidence was looked at. */
export type Asked = Pick<Witness, 'look' | 'excuses'> & { about: AskedLog; rest(): AsyncGenerator<Finding> }
