import { actsPrefix } from '../../custody/act-format.ts'
import { leafOfObject } from '../../proofs/leaf.ts'
import { formatVerifier, type NoteVerifier } from '../../proofs/note.ts'
import type { StoredObject } from '../../recordings/recording-store.ts'
import { LogLeaf } from '../../schema/log-leaf.ts'
import { latestCheckpoint, type ReadCheckpoint } from '../log/checkpoints.ts'
import { leafKindOf } from '../log/leaf-kind.ts'
import { createLeafProver } from '../log/prove-leaf.ts'
import { createStoredLog, type StoredLog } from '../log/stored-log.ts'
import { type EvidenceSource, listObjects, maxObjectBytes } from '../read-objects.ts'
import { prefixesOf } from '../v0/verify-group.ts'
import { type About, type Agents, files, type Proofs, sumLine } from './bundle-format.ts'
import { readMeOf } from './read-me.ts'
import { endOfArchive, headerOf, paddingOf } from './ustar.ts'

/** `prefixes`: where the session stands, when not where its id says. `sessionKey`: null: without it; the content cannot be read then. */
export type BundleOptions = {
  source: Omit<EvidenceSource, 'locks'>
  verifier: NoteVerifier
  sessionId: About['sessionId']
  prefixes: readonly string[]
  agents: Agents
  sessionKey: Uint8Array | null
}
type Small = { name: string; bytes: Buffer }

const json = (value: object): Buffer => Buffer.from(`${JSON.stringify(value)}\n`)

const latest = async (log: StoredLog): Promise<ReadCheckpoint | null> => {
  const finding = latestCheckpoint(log)
  let step = await finding.next()
  while (!step.done) step = await finding.next()
  return step.value
}

/** Of the objects that have a leaf each. One that no checkpoint covers yet is left out, and verification says so. */
const proofsOf = async (log: StoredLog, checkpoint: ReadCheckpoint, objects: StoredObject[]): Promise<Proofs> => {
  const prove = createLeafProver(log, checkpoint)
  const leaves: Proofs['leaves'] = []
  for (const { key } of objects) {
    const kind = leafKindOf(key)
    if (kind === null || kind === 'events') continue
    const { id, entry } = leafOfObject(kind, key, await log.source.get(key))
    const proven = await prove(id)
    if (proven === null) continue
    const { index, proof } = proven
    const leaf = LogLeaf.parse(JSON.parse(entry.toString()))
    leaves.push({ leaf, index, proof: proof.map((each) => Buffer.from(each).toString('base64')) })
  }
  return { leaves }
}

const smallFiles = async (options: BundleOptions, objects: StoredObject[]): Promise<Small[]> => {
  const { source, verifier, sessionId, agents, sessionKey } = options
  const log = createStoredLog({ ...source, locks: false }, verifier)
  const checkpoint = await latest(log)
  const about: About = { format: 1, sessionId, objects: objects.length }
  const proofs = checkpoint === null ? { leaves: [] } : await proofsOf(log, checkpoint, objects)
  return [
    { name: files.readMe, bytes: Buffer.from(readMeOf(sessionId, sessionKey !== null)) },
    { name: files.about, bytes: json(about) },
    { name: files.logKey, bytes: Buffer.from(`${formatVerifier(verifier)}\n`) },
    ...(checkpoint === null ? [] : [{ name: files.checkpoint, bytes: Buffer.from(await source.get(checkpoint.key)) }]),
    { name: files.proofs, bytes: json(proofs) },
    { name: files.agents, bytes: json(agents) },
    ...(sessionKey === null
      ? []
      : [{ name: files.sessionKey, bytes: Buffer.from(`${Buffer.from(sessionKey).toString('base64')}\n`) }]),
  ]
}

const listed = async ({ source, sessionId, prefixes }: BundleOptions): Promise<StoredObject[]> => {
  const objects: StoredObject[] = []
  for (const prefix of [...new Set([...prefixes, ...prefixesOf(sessionId)]), actsPrefix(sessionId)])
    for await (const object of listObjects({ ...source, locks: false }, prefix))
      if (object.sizeBytes <= maxObjectBytes) objects.push(object) // what is larger was not written by us
  return objects
}

/**
 * The bundle of one session, piece by piece: one object is in memory at a time. What is in it is decided when it begins; a
 * session that goes on is not complete in it. Null: nothing of it is stored. @throws BTZ_EVIDENCE_CORRUPT: its log is damaged
 */
export const openBundle = async (options: BundleOptions): Promise<AsyncGenerator<Uint8Array> | null> => {
  const objects = await listed(options)
  if (objects.length === 0) return null
  const small = await smallFiles(options, objects)
  const sums: string[] = []
  const member = function* (name: string, bytes: Uint8Array): Generator<Uint8Array> {
    yield headerOf({ name: `${options.sessionId}/${name}`, sizeBytes: bytes.byteLength })
    yield bytes
    yield paddingOf(bytes.byteLength)
    sums.push(sumLine(bytes, name))
  }
  return (async function* () {
    for (const { name, bytes } of small) yield* member(name, bytes)
    for (const { key } of objects) yield* member(key, await options.source.get(key))
    yield* member(files.sums, Buffer.from(sums.join('')))
    yield endOfArchive()
  })()
}
