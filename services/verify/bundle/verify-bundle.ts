import type { z } from 'zod'
import { BartizanError, hasCode } from '../../errors.ts'
import { parsedJson } from '../../json.ts'
import { type Checkpoint, openCheckpoint } from '../../proofs/checkpoint.ts'
import { leafOfObject } from '../../proofs/leaf.ts'
import { isIncluded } from '../../proofs/merkle.ts'
import { formatVerifier, type NoteVerifier, parseVerifier } from '../../proofs/note.ts'
import { canonicalJson } from '../../recordings/format/manifest.ts'
import { type Finding, type Level, worst } from '../finding.ts'
import type { Asked } from '../log/ask-log.ts'
import { leafKindOf } from '../log/leaf-kind.ts'
import { isFinding, logFinding } from '../log/stored-log.ts'
import { maxObjectBytes, type ReadObject } from '../read-objects.ts'
import type { ContentKeys } from '../v0/session.ts'
import { type OnProgress, type Report, verifyObjects } from '../verify-evidence.ts'
import { About, Agents, files, Proofs, sumLine } from './bundle-format.ts'
import { readMembers } from './ustar.ts'

/** `verifier`: the log's, as it was got from somewhere else; null: the bundle's own has to do. */
export type BundleToVerify = {
  pieces: AsyncIterable<Uint8Array>
  verifier: NoteVerifier | null
  level: Level
  onProgress?: OnProgress
}
const maxSmallBytes = 32 * 1024 * 1024
const maxMembers = 110_000

type Small = ReadonlyMap<string, Buffer>
type Head = {
  about: About
  agents: Agents
  proofs: Proofs
  verifier: NoteVerifier
  checkpoint: Checkpoint | null
  sessionKey: Buffer | null
}

const tampered = (what: string, key: string, detail: string): Finding => logFinding('tampered', what, key, detail)
const none = (name: string): Finding => tampered('bundle', name, 'a bundle has it, and this one does not')

/** As it is written, and no other way. */
const parsed = <T extends z.ZodType>(schema: T, name: string, small: Small): z.infer<T> | Finding => {
  const text = small.get(name)?.toString()
  if (text === undefined) return none(name)
  const read = schema.safeParse(parsedJson(text))
  if (!read.success) return tampered('bundle', name, 'it does not have the form of a bundle')
  return `${JSON.stringify(read.data)}\n` === text
    ? read.data
    : tampered('bundle', name, 'it is not written as a bundle is')
}

const untrusted: Finding = logFinding(
  'unknown',
  'log-key',
  files.logKey,
  'whoever made the bundle put it there: name the key of the log as you got it from elsewhere',
)

const orFinding = <T extends object>(name: string, read: () => T): T | Finding => {
  try {
    return read()
  } catch (error) {
    if (!hasCode(error, 'BTZ_EVIDENCE_CORRUPT') && !hasCode(error, 'BTZ_KEY_INVALID')) throw error
    return tampered('bundle', name, (error as Error).message)
  }
}

const verifierIn = (small: Small, trusted: NoteVerifier | null): NoteVerifier | Finding => {
  const own = orFinding(files.logKey, () => parseVerifier(small.get(files.logKey)?.toString().slice(0, -1) ?? ''))
  if (isFinding(own) || trusted === null || formatVerifier(own) === formatVerifier(trusted)) return own
  return tampered('log-key', files.logKey, 'the bundle was made with the key of another log than the one to be trusted')
}

/** What comes before the objects; what is wrong with it, when it cannot be worked with. */
const headOf = (small: Small, trusted: NoteVerifier | null): Head | Finding[] => {
  const verifier = verifierIn(small, trusted)
  const about = parsed(About, files.about, small)
  const agents = parsed(Agents, files.agents, small)
  const proofs = parsed(Proofs, files.proofs, small)
  const note = small.get(files.checkpoint)
  const signer = trusted ?? (isFinding(verifier) ? null : verifier)
  const checkpoint = note && signer ? orFinding(files.checkpoint, () => openCheckpoint(note, signer)) : null
  const key = small.get(files.sessionKey)
  const sessionKey = key ? Buffer.from(key.toString(), 'base64') : null
  const wrong = [verifier, about, agents, proofs, checkpoint].filter((each) => each !== null && isFinding(each))
  if (key && sessionKey && `${sessionKey.toString('base64')}\n` !== key.toString())
    wrong.push(tampered('bundle', files.sessionKey, 'it is no key'))
  if (wrong.length > 0) return wrong as Finding[]
  return { verifier, about, agents, proofs, checkpoint, sessionKey } as Head
}

/** The log as far as the bundle proves what stands in it. */
const askBundle = ({ proofs, checkpoint, verifier }: Head): Asked => {
  const left = new Map(proofs.leaves.map((proven) => [proven.leaf.key, proven]))
  const check = (key: string, bytes: Uint8Array): Finding | null => {
    const kind = leafKindOf(key)
    if (kind === null || kind === 'events') return null
    const proven = left.get(key)
    left.delete(key)
    if (!proven || checkpoint === null)
      return logFinding('incomplete', 'log-pending', key, 'no checkpoint covered it when the bundle was made')
    const { entry, id } = leafOfObject(kind, key, bytes)
    if (entry.toString() !== canonicalJson(proven.leaf))
      return tampered('replaced', key, `leaf ${proven.index} of the log has SHA-256 ${proven.leaf.sha256} for it`)
    const proof = proven.proof.map((each) => Buffer.from(each, 'base64'))
    const { size, root } = checkpoint
    if (isIncluded({ index: proven.index, size, root, leaf: Buffer.from(id, 'hex'), proof })) return null
    return tampered('not-in-log', key, `the proof does not lead to the checkpoint of ${size} leaves`)
  }
  return {
    about: {
      ...{ origin: verifier.name, size: checkpoint?.size ?? 0, storedAt: null, kept: 0 },
      rootBase64: checkpoint && Buffer.from(checkpoint.root).toString('base64'),
    },
    look: (read) => {
      const found = read.bytes && check(read.object.key, read.bytes)
      return found ? { ...read, findings: [...read.findings, found] } : read
    },
    excuses: () => false,
    async *rest() {
      for (const [key, { index }] of left)
        yield tampered('gone', key, `the bundle has a proof of it, leaf ${index}, and not the object`)
    },
  }
}

const keysOf = ({ about, agents, sessionKey }: Head): ContentKeys => ({
  keyOf: async (keyId) =>
    sessionKey && keyId === `session:${about.sessionId}`
      ? { key: sessionKey }
      : { what: 'key-missing', detail: 'the bundle was made without the key of the session' },
  agentKeys: async (bastion) => (bastion === agents.bastion ? agents.keys : []),
})

/** The members of a bundle, in their order, each with what the sums have to say of it. */
const createMembers = (pieces: AsyncIterable<Uint8Array>) => {
  const members = readMembers(pieces, maxObjectBytes)
  const sums: string[] = []
  let folder: string | null = null
  const next = async (): Promise<{ name: string; bytes: Buffer } | null> => {
    const { value, done } = await members.next()
    if (done) return null
    const cut = value.name.indexOf('/')
    folder ??= value.name.slice(0, cut)
    const name = value.name.slice(0, cut) === folder ? value.name.slice(cut + 1) : value.name
    if (name !== files.sums) sums.push(sumLine(value.bytes, name))
    if (sums.length > maxMembers) throw new BartizanError('BTZ_EVIDENCE_CORRUPT', `more than ${maxMembers} files`)
    return { name, bytes: value.bytes }
  }
  return { next, folder: () => folder, sums: () => sums }
}
type Members = ReturnType<typeof createMembers>
type Member = { name: string; bytes: Buffer }

const isObject = ({ name }: Member): boolean => name.startsWith('evidence/')
const names = new Set<string>(Object.values(files))

const readSmall = async (
  members: Members,
): Promise<{ small: Map<string, Buffer>; first: Member | null; strange: string[] }> => {
  const small = new Map<string, Buffer>()
  const strange: string[] = []
  let first = await members.next()
  let held = 0
  for (; first && !isObject(first) && first.name !== files.sums; first = await members.next()) {
    held += first.bytes.byteLength
    if (held > maxSmallBytes || small.has(first.name) || !names.has(first.name)) strange.push(first.name)
    else small.set(first.name, first.bytes)
  }
  return { small, first, strange }
}

const readObject = ({ name, bytes }: Member): ReadObject => ({
  object: { key: name, sizeBytes: bytes.byteLength, retainUntil: null, storedAt: new Date(0) },
  bytes,
  findings: [],
})

/** The sums: a line for each file that came, in its order. */
const sumsFault = (sums: Buffer | null, members: Members): Finding | null => {
  if (sums === null) return none(files.sums)
  const [said, found] = [sums.toString().split('\n'), members.sums()]
  const at = found.findIndex((line, index) => line !== `${said[index]}\n`)
  if (at < 0 && said.length === found.length + 1 && said.at(-1) === '') return null
  const name = at < 0 ? files.sums : found[at]!.slice(66, -1)
  return tampered('bundle', name, `${files.sums} has another SHA-256, or another file`)
}

async function* verifyOpen({ verifier, level, onProgress, pieces }: BundleToVerify): AsyncGenerator<Report, void> {
  const members = createMembers(pieces)
  const { small, first, strange } = await readSmall(members)
  let last: Member | null = first
  let sums: Buffer | null = null
  const objects = async function* (): AsyncGenerator<ReadObject, void> {
    for (; last && isObject(last); last = await members.next()) yield readObject(last)
  }
  const head = headOf(small, verifier)
  const wrong = [
    ...strange.map((name) => tampered('foreign-object', name, 'no file of a bundle is named so')),
    ...(Array.isArray(head) ? head : []),
  ]
  for (const finding of wrong) yield { type: 'finding', finding }
  if (verifier === null) yield { type: 'finding', finding: untrusted }
  if (Array.isArray(head)) {
    for await (const _ of objects()); // the sums say more of it
  } else {
    const asked = askBundle(head)
    yield { type: 'log', log: asked.about, verdict: worst(head.checkpoint === null ? ['incomplete'] : []) }
    const means = {
      keys: level === 'content' ? keysOf(head) : null,
      asked,
      verifier: verifier ?? head.verifier,
      onProgress,
    }
    yield* verifyObjects(objects(), files.about, means)
  }
  const folder = members.folder()
  if (last?.name === files.sums) sums = last.bytes
  const after = last && (sums === null ? last : await members.next())
  if (after)
    yield { type: 'finding', finding: tampered('foreign-object', after.name, 'nothing of a bundle comes here') }
  const fault = sumsFault(sums, members)
  if (fault) yield { type: 'finding', finding: fault }
  if (!Array.isArray(head)) yield* countFaults(head, folder, members)
}

function* countFaults({ about }: Head, folder: string | null, members: Members): Generator<Report> {
  const objects = members.sums().filter((line) => line.slice(66).startsWith('evidence/')).length
  const fault =
    objects !== about.objects
      ? `it says ${about.objects} objects, and there are ${objects}`
      : folder !== about.sessionId && 'the folder is named after another session'
  if (fault) yield { type: 'finding', finding: tampered('bundle', files.about, fault) }
}

/**
 * A bundle, as its bytes come: nothing of it is trusted but what the key of the log vouches for. At level content with the
 * key that is in it. Findings name its files; objects by their keys.
 */
export async function* verifyBundle(bundle: BundleToVerify): AsyncGenerator<Report, void> {
  try {
    yield* verifyOpen(bundle)
  } catch (error) {
    if (!hasCode(error, 'BTZ_EVIDENCE_CORRUPT')) throw error
    yield { type: 'finding', finding: tampered('bundle', 'the archive', (error as Error).message) }
  }
}
