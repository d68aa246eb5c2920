import { BartizanError, hasCode } from '../errors.ts'
import type { RecordingReader, StoredObject } from '../recordings/recording-store.ts'
import type { Finding } from './finding.ts'

/** What is verified: evidence to be listed and read. `locks`: the store locks what is put into it. */
export type EvidenceSource = Pick<RecordingReader, 'get' | 'head' | 'list'> & { locks: boolean }

/** `bytes`: null when the object cannot be read; the findings say why. */
export type ReadObject = { object: StoredObject; bytes: Uint8Array | null; findings: Finding[] }

const pageSize = 1000
/** A block closes at a few MiB; what is many times larger was not written by us, and is not read into memory. */
export const maxObjectBytes = 64 * 1024 * 1024

/** In key order. `from`: only keys after it. */
export async function* listObjects(
  source: EvidenceSource,
  prefix: string,
  from?: string,
): AsyncGenerator<StoredObject, void> {
  let after = from
  while (true) {
    const page = await source.list(prefix, { limit: pageSize, ...(after !== undefined && { after }) })
    yield* page
    if (page.length < pageSize) return
    after = page.at(-1)?.key
  }
}

const sealed = (verdict: Finding['verdict'], what: string, key: string, detail: string): Finding => ({
  level: 'sealed',
  verdict,
  what,
  where: { key },
  detail,
})

type Outcome = { bytes: Uint8Array } | { finding: Finding } | { thrown: unknown }

const readOne = async (source: EvidenceSource, { key, sizeBytes }: StoredObject): Promise<Outcome> => {
  if (sizeBytes > maxObjectBytes) {
    const detail = `${sizeBytes} bytes: more than ${maxObjectBytes}, which nothing of ours has`
    return { finding: sealed('tampered', 'too-large', key, detail) }
  }
  try {
    return { bytes: await source.get(key) }
  } catch (error) {
    const detail = (error as Error).message
    if (hasCode(error, 'BTZ_EVIDENCE_CORRUPT')) return { finding: sealed('tampered', 'store-checksum', key, detail) }
    // One that cannot be read must not hide what the others say; a store that is away has nothing to say at all.
    if (error instanceof BartizanError && !hasCode(error, 'BTZ_RECORDING_NOT_FOUND')) return { thrown: error }
    return { finding: sealed('unknown', 'unreadable', key, detail) }
  }
}

const unlocked = (key: string): Finding =>
  sealed('tampered', 'unlocked', key, 'the store does not lock it, as it locks all evidence')

/** Each object with its bytes, the next one being read while this one is looked at. */
export async function* readObjects(
  source: EvidenceSource,
  objects: AsyncIterable<StoredObject>,
): AsyncGenerator<ReadObject, void> {
  const give = async ({
    object,
    outcome,
  }: {
    object: StoredObject
    outcome: Promise<Outcome>
  }): Promise<ReadObject> => {
    const read = await outcome
    if ('thrown' in read) throw read.thrown
    const findings = source.locks && object.retainUntil === null ? [unlocked(object.key)] : []
    if ('bytes' in read) return { object, bytes: read.bytes, findings }
    return { object, bytes: null, findings: [...findings, read.finding] }
  }
  let ahead: { object: StoredObject; outcome: Promise<Outcome> } | null = null
  for await (const object of objects) {
    const next = { object, outcome: readOne(source, object) }
    if (ahead) yield await give(ahead)
    ahead = next
  }
  if (ahead) yield await give(ahead)
}
