import { randomUUID } from 'node:crypto'
import { BartizanError } from '#services/errors.ts'
import { problemOf } from '#services/http/problem.ts'
import type { ImportedRecordings, RecordingJob } from '#services/schema/recording-upload.ts'

const maxEnded = 100

type Kept = { bastion: string; told: RecordingJob }

/** Imports that outlive their request; in memory, since whoever sends a recording again loses nothing. */
export const createRecordingJobs = () => {
  const jobs = new Map<string, Kept>()
  const ended: string[] = []
  const end = (id: string, bastion: string, told: Omit<RecordingJob, 'id'>): void => {
    jobs.set(id, { bastion, told: { id, ...told } })
    ended.push(id)
    if (ended.length > maxEnded) jobs.delete(ended.shift()!)
  }
  return {
    add: (bastion: string, importing: Promise<ImportedRecordings>): RecordingJob => {
      const id = randomUUID()
      const told: RecordingJob = { id, state: 'running' }
      jobs.set(id, { bastion, told })
      importing.then(
        (result) => end(id, bastion, { state: 'done', result }),
        (error: unknown) => end(id, bastion, { state: 'failed', problem: problemOf(error) }),
      )
      return told
    },
    /** @throws BTZ_NOT_FOUND */
    find: (id: string, mayAsk: (bastion: string) => boolean): RecordingJob => {
      const found = jobs.get(id)
      if (found && mayAsk(found.bastion)) return found.told
      throw new BartizanError('BTZ_NOT_FOUND', 'no such job: it ended long ago, or this receiver was restarted since', {
        hint: 'send the recording again: what was taken is not taken twice',
      })
    },
  }
}
