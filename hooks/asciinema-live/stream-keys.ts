import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { newSecret, sameHash, sha256Hex } from '#services/access/secrets.ts'
import { systemCode } from '#services/disk-error.ts'
import { writeFileDurably } from '#services/durable-file.ts'
import { BartizanError } from '#services/errors.ts'
import { makeFolder } from '#services/make-folder.ts'

/** Who may stream to this host's agent: a key per person, of which only the hash is kept. */
export const StreamKey = z.strictObject({
  id: z.string().regex(/^[0-9a-f]{16}$/),
  user: z.string().min(1).max(256),
  createdAt: z.iso.datetime(),
  secretSha256: z.string().regex(/^[0-9a-f]{64}$/),
})
export type StreamKey = z.infer<typeof StreamKey>

const maxKeys = 1000
const KeyFile = z.strictObject({ keys: z.array(StreamKey).max(maxKeys) })

/** Of the hook, in the agent's data folder. */
export const liveFolder = (data: string): string => join(data, 'agent', 'asciinema-live')
/** Says where the agent listens: `{port}`. */
export const portFile = (folder: string): string => join(folder, 'listening.json')
const fileOf = (folder: string): string => join(folder, 'keys.json')

/** @throws BTZ_DATA_UNWRITABLE for a file that cannot be read: nobody streams until it can */
export const readKeys = async (folder: string): Promise<StreamKey[]> => {
  const file = fileOf(folder)
  try {
    return KeyFile.parse(JSON.parse(await readFile(file, 'utf8'))).keys
  } catch (cause) {
    if (systemCode(cause) === 'ENOENT') return []
    throw new BartizanError('BTZ_DATA_UNWRITABLE', `${file} cannot be read as keys of live streams`, {
      hint: "run this as the agent's user; where the file is damaged, remove it and make the keys again",
      cause,
    })
  }
}

const writeKeys = async (folder: string, keys: StreamKey[]): Promise<void> => {
  await makeFolder(folder)
  await writeFileDurably(fileOf(folder), JSON.stringify({ keys }))
}

/** The secret is not kept. @throws BTZ_DATA_UNWRITABLE BTZ_CONFIG_INVALID */
export const createKey = async (
  folder: string,
  user: string,
  nowMs: number,
): Promise<StreamKey & { secret: string }> => {
  const keys = await readKeys(folder)
  if (keys.length >= maxKeys)
    throw new BartizanError('BTZ_CONFIG_INVALID', `there are ${maxKeys} keys of live streams`, {
      hint: 'revoke some of them: `bartizan live list` shows them',
    })
  const secret = newSecret()
  const createdAt = new Date(nowMs).toISOString()
  const key = { id: randomBytes(8).toString('hex'), user, createdAt, secretSha256: sha256Hex(secret) }
  await writeKeys(folder, [...keys, key])
  return { ...key, secret }
}

/** @throws BTZ_NOT_FOUND BTZ_DATA_UNWRITABLE */
export const revokeKey = async (folder: string, id: string): Promise<void> => {
  const keys = await readKeys(folder)
  const rest = keys.filter((key) => key.id !== id)
  if (rest.length === keys.length) throw new BartizanError('BTZ_NOT_FOUND', `no live stream has the key ${id}`)
  await writeKeys(folder, rest)
}

/** Takes the same time wherever a secret differs from that of a key, and whichever key it is of. */
export const keyOf = (keys: readonly StreamKey[], secret: string): StreamKey | null => {
  const presented = sha256Hex(secret)
  return keys.filter(({ secretSha256 }) => sameHash(secretSha256, presented))[0] ?? null
}
