import type { z } from 'zod'
import { BartizanError } from '../errors.ts'
import { readBackup } from './sealed-reader.ts'

type Line = { t: string }

const damaged = (file: string, why: string, cause?: unknown) =>
  new BartizanError('BTZ_BACKUP_DAMAGED', `${file}: ${why}`, { hint: 'nothing was restored from it', cause })

/**
 * The lines of a backup, the last of which has to be its `end`.
 * @throws BTZ_NOT_FOUND BTZ_BACKUP_DAMAGED
 */
export async function* readLines<L extends Line>(
  file: string,
  passphrase: string,
  schema: z.ZodType<L>,
): AsyncGenerator<L, void, void> {
  let isEnded = false
  for await (const entry of readBackup(file, passphrase)) {
    const line = schema.safeParse(entry)
    if (!line.success || isEnded) throw damaged(file, 'an entry has another form; another version may have made it')
    isEnded = line.data.t === 'end'
    yield line.data
  }
  if (!isEnded) throw damaged(file, 'its end is missing')
}
