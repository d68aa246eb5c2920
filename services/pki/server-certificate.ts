import { createPrivateKey, hash, X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import type { Clock } from '../clock.ts'
import { writeFileDurably } from '../durable-file.ts'
import type { Authority } from './authority.ts'

const days = 90
const renewBeforeMs = 30 * 24 * 3_600_000

const Stored = z.object({ key: z.string(), certificate: z.string() })
export type ServerCertificate = z.infer<typeof Stored>

/** Null: there is none, it is damaged, of another authority, or near its end. */
const readGood = async (file: string, authority: Authority, nowMs: number): Promise<ServerCertificate | null> => {
  try {
    const stored = Stored.parse(JSON.parse(await readFile(file, 'utf8')))
    const parsed = new X509Certificate(stored.certificate)
    const isOurs = parsed.verify(new X509Certificate(authority.certificate).publicKey)
    const fits = parsed.checkPrivateKey(createPrivateKey(stored.key))
    return isOurs && fits && parsed.validToDate.getTime() - nowMs > renewBeforeMs ? stored : null
  } catch {
    return null
  }
}

/**
 * The one that is kept for these names, or another when its end is near. `isNew`: it was made now.
 * @throws BTZ_CERTIFICATE BTZ_DATA_UNWRITABLE BTZ_DISK_FULL
 */
export const keepServerCertificate = async (options: {
  authority: Authority
  names: readonly string[]
  clock: Clock
}): Promise<ServerCertificate & { isNew: boolean }> => {
  const { authority, names, clock } = options
  // A file per set of names: receivers that share the folder and are called differently do not replace each other's.
  const file = join(authority.folder, `server-${hash('sha256', names.join(',')).slice(0, 16)}.json`)
  const present = await readGood(file, authority, clock.now())
  if (present) return { ...present, isNew: false }
  const made = await authority.issueForServer(names, days)
  await writeFileDurably(file, JSON.stringify(made))
  return { ...made, isNew: true }
}
