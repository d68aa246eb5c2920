import { open } from 'node:fs/promises'
import { keysFolderOf } from '#services/backends.ts'
import type { Config } from '#services/config.ts'
import { diskError } from '#services/disk-error.ts'
import { BartizanError } from '#services/errors.ts'
import { jsonObject } from '#services/json.ts'
import { readLogSigner } from '#services/keys/log-key.ts'
import { createLogKeys } from '#services/proofs/log-keys.ts'
import { maxNoteBytes, type NoteVerifier, parseVerifier, verifierOf } from '#services/proofs/note.ts'
import type { LogToAsk } from '#services/verify/log/ask-log.ts'
import type { EvidenceSource } from '#services/verify/read-objects.ts'

export type LogOptions = { logKey?: string; since?: string[] }
/** Why the log is not asked. */
export type NotAsked = { reason: string }

const readSmall = async (file: string, maxBytes: number): Promise<string> => {
  try {
    const handle = await open(file)
    try {
      const { bytesRead, buffer } = await handle.read(Buffer.alloc(maxBytes + 1), 0, maxBytes + 1)
      if (bytesRead <= maxBytes) return buffer.toString('utf8', 0, bytesRead)
    } finally {
      await handle.close()
    }
  } catch (error) {
    throw diskError(error, file)
  }
  throw new BartizanError('BTZ_REQUEST_INVALID', `${file} has more than ${maxBytes} bytes`)
}

/** A verifier key, or the file that it stands in. */
const namedVerifier = async (keyOrFile: string): Promise<NoteVerifier> =>
  parseVerifier(/^[^+]+\+[0-9a-f]{8}\+\S+$/.test(keyOrFile) ? keyOrFile : (await readSmall(keyOrFile, 1024)).trim())

/** A checkpoint as it is signed, or the event that carried it. */
const readKept = async (file: string): Promise<Uint8Array> => {
  const text = await readSmall(file, 2 * maxNoteBytes)
  const event = jsonObject(text)
  return Buffer.from(typeof event?.object === 'string' ? event.object : text)
}

/** The key of this installation. Whoever may not read its folder of keys has to name the public key. */
const ownVerifier = async (config: Config): Promise<NoteVerifier | NotAsked> => {
  const folder = keysFolderOf(config)
  try {
    const signer = await readLogSigner(folder)
    return signer ? verifierOf(signer) : { reason: `${folder} holds no key of a log; name it with --log-key` }
  } catch (error) {
    if (error instanceof BartizanError) return { reason: `${error.message}; name the public key with --log-key` }
    throw error
  }
}

export const trustedVerifier = (config: Config, logKey: string | undefined): Promise<NoteVerifier | NotAsked> =>
  logKey === undefined ? ownVerifier(config) : namedVerifier(logKey)

/** What to ask of the log, or why nothing is asked. `isCopy`: the log may not have been copied with the evidence. */
export const logToAsk = async (
  config: Config,
  { logKey, since = [] }: LogOptions,
  source: EvidenceSource,
  isCopy: boolean,
): Promise<LogToAsk | NotAsked> => {
  const verifier = await trustedVerifier(config, logKey)
  if ('reason' in verifier) {
    if (since.length === 0) return verifier
    throw new BartizanError('BTZ_KEY_NOT_FOUND', `--since needs the key of the log: ${verifier.reason}`)
  }
  const isNamed = logKey !== undefined || since.length > 0
  if (isCopy && !isNamed && (await source.list(createLogKeys(verifier).checkpoints, { limit: 1 })).length === 0)
    return { reason: 'no log of this installation was copied with the evidence' }
  return { verifier, kept: await Promise.all(since.map(readKept)) }
}
