import type { Clock } from '../clock.ts'
import type { Config } from '../config.ts'
import type { Logger } from '../log.ts'
import type { RecordingReader } from './recording-store.ts'
import { checkBucket } from './s3-bucket.ts'
import { connectS3 } from './s3-connection.ts'
import { createEvidence, type Tampering } from './s3-evidence.ts'
import { createS3RecordingReader } from './s3-recording-reader.ts'

/**
 * Evidence in an Object Lock bucket, to be read and nothing else: puts nothing, not even to test the store.
 * @throws BTZ_RECORDING_UNLOCKED BTZ_RECORDINGS_MISCONFIGURED BTZ_CONFIG_INVALID BTZ_UNAVAILABLE
 */
export const openS3EvidenceReader = async (
  config: Config['s3'],
  clock: Clock,
  log: Logger,
  onTampering: (tampering: Tampering) => void,
): Promise<RecordingReader & { close(): Promise<void> }> => {
  const connection = await connectS3(config, clock)
  const close = async () => connection.client.destroy()
  try {
    await checkBucket(connection)
    return { ...createS3RecordingReader(connection, createEvidence(connection, log, onTampering)), close }
  } catch (error) {
    await close()
    throw error
  }
}
