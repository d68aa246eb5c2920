import type { Clock } from '../clock.ts'
import type { S3Connection } from './s3-connection.ts'
import { inOurWords } from './s3-errors.ts'
import { runSelfTest } from './s3-self-test.ts'

/** Until it has passed once, every call runs the self-test (together, if at the same time) and throws what it finds. */
export const createTestedOnce = (connection: S3Connection, clock: Clock): (() => Promise<void>) => {
  let passing: Promise<void> | null = null
  const run = async (): Promise<void> => {
    await connection.storeClock.check()
    await inOurWords('the self-test of the evidence store', () => runSelfTest(connection, clock))
  }
  return () => {
    passing ??= run().catch((error: unknown) => {
      passing = null
      throw error
    })
    return passing
  }
}
