import { createReadStream } from 'node:fs'
import { open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { encodeHead, headBytes, parseRecord, type SpoolEntry, type SpoolRecord } from '#hooks/agent/spool/record.ts'
import { diskError } from '#services/disk-error.ts'
import { syncFolder } from '#services/durable-file.ts'
import { BartizanError } from '#services/errors.ts'

/**
 * What an import sends is finished and durable before its first byte leaves: whoever is killed while sending sends the
 * very same bytes again, and these are known by their hashes. Records are those of the agent's spool.
 */

export type StagedWriter = {
  write(entry: SpoolEntry): Promise<void>
  /** Durable, under its name, when resolved. */
  finish(): Promise<void>
  discard(): Promise<void>
}

/** @throws BTZ_DISK_FULL BTZ_DATA_UNWRITABLE */
export const createStagedFile = async (file: string): Promise<StagedWriter> => {
  const part = `${file}.part`
  const refuse = (cause: unknown): never => {
    throw diskError(cause, part)
  }
  const handle = await open(part, 'w', 0o600).catch(refuse)
  let position = 0
  return {
    write: async (entry) => {
      await handle.writeFile(Buffer.concat([encodeHead(entry, position, 0), entry.body])).catch(refuse)
      position += headBytes + entry.body.byteLength
    },
    finish: async () => {
      await handle.sync().catch(refuse)
      await handle.close()
      await rename(part, file)
      await syncFolder(dirname(file))
    },
    discard: async () => {
      await handle.close().catch(() => undefined)
      await rm(part, { force: true })
    },
  }
}

/** @throws BTZ_IMPORT_FAILED where it is damaged */
export async function* readStagedFile(file: string): AsyncGenerator<SpoolRecord> {
  let held: Buffer = Buffer.alloc(0)
  let neededBytes = headBytes
  let position = 0
  for await (const chunk of createReadStream(file, { highWaterMark: 1024 * 1024 })) {
    held = held.length === 0 ? chunk : Buffer.concat([held, chunk])
    let offset = 0
    while (held.length - offset >= neededBytes) {
      const parsed = parseRecord(held, offset, position)
      if (parsed.kind === 'damaged') break
      neededBytes = parsed.kind === 'incomplete' ? parsed.recordBytes : headBytes
      if (parsed.kind === 'incomplete') continue
      yield parsed.record
      offset += parsed.record.endPosition - position
      position = parsed.record.endPosition
    }
    if (held.length - offset >= neededBytes) break
    held = held.subarray(offset)
  }
  if (held.length > 0) throw new BartizanError('BTZ_IMPORT_FAILED', `${file} is damaged at byte ${position}`)
}
