import { open } from 'node:fs/promises'
import type { Config } from '#services/config.ts'
import { diskError } from '#services/disk-error.ts'
import { BartizanError } from '#services/errors.ts'
import { verifyBundle } from '#services/verify/bundle/verify-bundle.ts'
import type { Level } from '#services/verify/finding.ts'
import type { OnProgress, Report } from '#services/verify/verify-evidence.ts'
import { type LogOptions, trustedVerifier } from './verify-log.ts'

export const isBundle = (what: string | undefined): what is string => what?.endsWith('.tar') === true || what === '-'

async function* piecesOf(file: string): AsyncGenerator<Uint8Array> {
  if (file === '-') {
    yield* process.stdin
    return
  }
  const handle = await open(file).catch((error: unknown) => Promise.reject(diskError(error, file)))
  try {
    yield* handle.createReadStream({ autoClose: false })
  } catch (error) {
    throw diskError(error, file)
  } finally {
    await handle.close()
  }
}

/** A bundle, with the key that was named, or else that of this installation. */
export async function* bundleReports(
  config: Config,
  file: string,
  options: LogOptions & { level: Level },
  onProgress: OnProgress,
): AsyncGenerator<Report> {
  if (options.since !== undefined)
    throw new BartizanError('BTZ_REQUEST_INVALID', 'a bundle cannot be compared with another checkpoint than its own', {
      hint: 'run --since where the log is',
    })
  const found = await trustedVerifier(config, options.logKey)
  const verifier = 'reason' in found ? null : found
  yield* verifyBundle({ pieces: piecesOf(file), verifier, level: options.level, onProgress })
}
