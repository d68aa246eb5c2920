import { rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pino } from 'pino'
import { systemClock } from '#services/clock.ts'
import { createLogger } from '#services/log.ts'
import { createFileRecordingStore } from '#services/recordings/file-recording-store.ts'
import type { RecordingWriter } from '#services/recordings/recording-store.ts'
import { openS3EvidenceReader } from '#services/recordings/s3-evidence-reader.ts'
import type { EvidenceSource } from '#services/verify/read-objects.ts'
import type { Services } from './cluster.ts'
import { mapSource } from './map-source.ts'
import { openS3Store, s3Bucket } from './open-s3-recording-store.ts'
import { type Teardown, temporaryFolder } from './temporary-folder.ts'

type Objects = ReadonlyMap<string, Uint8Array>
/** A store that holds exactly these objects, whatever it held before: its disks are in the hands of who alters. */
export type AlteredStore = (objects: Objects) => Promise<EvidenceSource>

const retainUntil = new Date('2031-01-01T00:00:00Z')
const atOnce = 16

export const inMemory: AlteredStore = async (objects) => mapSource(objects)

/** Takes away, below the store, what is to be another, and puts it as the store puts everything. */
const createReplacer = (store: Pick<RecordingWriter, 'put'>, remove: (key: string) => Promise<void>) => {
  let held: Objects = new Map()
  return async (objects: Objects): Promise<void> => {
    const keys = [...new Set([...held.keys(), ...objects.keys()])].filter((key) => held.get(key) !== objects.get(key))
    for (let first = 0; first < keys.length; first += atOnce)
      await Promise.all(
        keys.slice(first, first + atOnce).map(async (key) => {
          const bytes = objects.get(key)
          if (held.has(key)) await remove(key)
          if (bytes) await store.put(key, bytes, { retainUntil })
        }),
      )
    held = objects
  }
}

export const inFiles = async (t: Teardown): Promise<AlteredStore> => {
  const folder = await temporaryFolder(t)
  const log = createLogger('altered', 'silent')
  const store = await createFileRecordingStore({ folder, immutable: false, log })
  t.teardown(store.close)
  // Its marks stay: they say until when, and no more.
  const replace = createReplacer(store, (key) => rm(join(folder, key)))
  return async (objects) => {
    await replace(objects)
    return { ...store, locks: false }
  }
}

/** versitygw keeps each object as a file with its attributes: `disks` is the folder above the buckets. */
export const inS3 = async (t: Teardown, services: Services, disks: string): Promise<AlteredStore> => {
  const config = await s3Bucket(t, services)
  const store = await openS3Store(config)
  t.teardown(store.close)
  const replace = createReplacer(store, (key) => rm(join(disks, config.bucket, key)))
  let close = async (): Promise<void> => {}
  t.teardown(() => close())
  return async (objects) => {
    await replace(objects)
    await close()
    // Another one each time: a reader remembers for a minute where evidence stands.
    const reader = await openS3EvidenceReader(config, systemClock, pino({ level: 'silent' }), () => {})
    close = reader.close
    return { ...reader, locks: true }
  }
}

/** Where the engines that run beside the tests keep the objects of their S3 store. */
export const s3Disks = (servicesFile: string): string => join(dirname(servicesFile), 'versitygw', 'root')
