import { ListObjectVersionsCommand, type ListObjectVersionsCommandOutput } from '@aws-sdk/client-s3'
import { BartizanError } from '../errors.ts'
import type { S3Connection } from './s3-connection.ts'

export type Version = { versionId: string; sizeBytes: number }

/** All that stands under one key. `oldest`: the oldest versions, oldest first, at most `keptVersions` of `versions`. */
export type KeyVersions = { key: string; oldest: Version[]; versions: number; deleteMarkers: number }

/** Whoever can put can pile up versions: these bounds keep that from filling our memory or our time. */
const keptVersions = 16
const maxVersions = 100_000
const maxPageKeys = 1000

const decoded = (page: ListObjectVersionsCommandOutput, text = ''): string => {
  if (page.EncodingType !== 'url') return text
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return text // no key of ours
  }
}

const tooMany = (key: string) =>
  new BartizanError('BTZ_RECORDING_TAMPERED', `${key} has more than ${maxVersions} versions`, {
    hint: 'somebody who may write to the bucket piled them up; the oldest is the evidence',
  })

/** Versions of a key are listed newest first; a key's may go on in the next page. */
const addPage = (groups: Map<string, KeyVersions>, page: ListObjectVersionsCommandOutput): void => {
  const groupOf = (keyText: string | undefined): KeyVersions => {
    const key = decoded(page, keyText)
    const group = groups.get(key) ?? { key, oldest: [], versions: 0, deleteMarkers: 0 }
    groups.set(key, group)
    if (group.versions + group.deleteMarkers < maxVersions) return group
    throw tooMany(key)
  }
  for (const { Key, VersionId = 'null', Size = 0 } of page.Versions ?? []) {
    const group = groupOf(Key)
    group.versions++
    group.oldest.unshift({ versionId: VersionId, sizeBytes: Size })
    if (group.oldest.length > keptVersions) group.oldest.pop()
  }
  for (const { Key } of page.DeleteMarkers ?? []) groupOf(Key).deleteMarkers++
}

type Marker = { key: string; versionId: string | undefined }

const nextMarker = (page: ListObjectVersionsCommandOutput, before: Marker | null): Marker | null => {
  if (!page.IsTruncated) return null
  const marker = { key: decoded(page, page.NextKeyMarker), versionId: page.NextVersionIdMarker || undefined }
  if (marker.key !== '' && (marker.key !== before?.key || marker.versionId !== before.versionId)) return marker
  throw new BartizanError('BTZ_INTERNAL', 'the evidence store does not get on with its list of versions')
}

/** `after`: a key. `pageKeys`: entries of the first request. */
type Walk = { prefix: string; after: string; pageKeys: number }

/** Each page of what stands under a prefix, and the key that the next page goes on with. */
async function* versionPages(
  { client, bucket }: S3Connection,
  { prefix, after, pageKeys }: Walk,
): AsyncGenerator<{ page: ListObjectVersionsCommandOutput; openKey: string | null }, void, void> {
  let marker: Marker | null = after === '' ? null : { key: after, versionId: undefined }
  do {
    const page: ListObjectVersionsCommandOutput = await client.send(
      new ListObjectVersionsCommand({
        Bucket: bucket,
        Prefix: prefix,
        EncodingType: 'url', // a key that XML cannot hold must not hide the others
        MaxKeys: marker?.versionId === undefined ? Math.min(maxPageKeys, pageKeys) : maxPageKeys,
        ...(marker && { KeyMarker: marker.key, VersionIdMarker: marker.versionId }),
      }),
    )
    marker = nextMarker(page, marker)
    yield { page, openKey: marker?.key ?? null }
  } while (marker !== null)
}

/** Takes out what the pages until now hold in full. */
function* finished<T>(groups: Map<string, T>, after: string, openKey: string | null): Generator<T, void, void> {
  for (const key of [...groups.keys()].sort()) {
    if (key === openKey) continue // may go on
    const group = groups.get(key)!
    groups.delete(key)
    if (key > after) yield group
  }
}

/** Keys with this prefix after `after`, in key order, each with all its versions; keys that were deleted are among them. */
export async function* walkVersions(connection: S3Connection, walk: Walk): AsyncGenerator<KeyVersions, void, void> {
  const groups = new Map<string, KeyVersions>()
  for await (const { page, openKey } of versionPages(connection, walk)) {
    addPage(groups, page)
    yield* finished(groups, walk.after, openKey)
  }
}

/** A version, or a delete marker, which has an id like one. */
export type AnyVersion = { key: string; versionId: string; sizeBytes: number; isMarker: boolean }

/** All versions and delete markers under a prefix, of each key together, in key order. @throws BTZ_RECORDING_TAMPERED when a key has too many */
export async function* everyVersion(
  connection: S3Connection,
  { prefix, after = '' }: { prefix: string; after?: string },
): AsyncGenerator<AnyVersion[], void, void> {
  const groups = new Map<string, AnyVersion[]>()
  const add = (version: AnyVersion): void => {
    const group = groups.get(version.key) ?? []
    groups.set(version.key, group)
    if (group.length >= maxVersions) throw tooMany(version.key)
    group.push(version)
  }
  for await (const { page, openKey } of versionPages(connection, { prefix, after, pageKeys: maxPageKeys })) {
    for (const { Key, VersionId = 'null', Size = 0 } of page.Versions ?? [])
      add({ key: decoded(page, Key), versionId: VersionId, sizeBytes: Size, isMarker: false })
    for (const { Key, VersionId = 'null' } of page.DeleteMarkers ?? [])
      add({ key: decoded(page, Key), versionId: VersionId, sizeBytes: 0, isMarker: true })
    yield* finished(groups, after, openKey)
  }
}

/** Null: the key was never written. */
export const versionsOf = async (connection: S3Connection, key: string): Promise<KeyVersions | null> => {
  // Two entries tell all of a key that was written once: it, and the next key. Other keys with this prefix sort after it.
  for await (const group of walkVersions(connection, { prefix: key, after: '', pageKeys: 2 })) {
    return group.key === key ? group : null
  }
  return null
}
