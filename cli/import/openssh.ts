import type { SplitLine } from '#hooks/openssh/line-splitter.ts'
import { createSshdLog, type SshdEvent, type SshdLog } from '#hooks/openssh/sshd-log.ts'
import type { Instance } from '../instance.ts'
import { type LogFile, orderFiles } from './order-files.ts'
import { postTo } from './post.ts'
import { readLines, sourceOf } from './read-lines.ts'
import { createEventSender } from './send-events.ts'

const maxRejected = 1_000

export type Rejected = { file: string; line: number; reason: string }
export type Imported = {
  files: number
  sessions: number
  events: Record<string, number>
  rejected: Rejected[]
  /** Beyond the first thousand. */
  rejectedMore: number
}
export type ImportOptions = {
  files: readonly string[]
  bastion: string
  zone: string
  year: number | undefined
  instance: Instance
  onProgress: (progress: { doneBytes: number; totalBytes: number; events: number }) => void
}

/** Why a line of sshd says nothing, where that is a loss. */
const lossOf = (undated: number, unexpanded: number, { counts }: SshdLog): string | null => {
  if (counts.undated > undated) return 'its time is not known; --year says in which year the log begins'
  return counts.unexpanded > unexpanded ? 'stands for more repetitions than are counted' : null
}

/** Files of sshd's log → the running instance, by the parser that follows it live: ids are the same. @throws BTZ_* */
export const importOpenssh = async (options: ImportOptions): Promise<Imported> => {
  const { bastion, zone, year, instance, onProgress } = options
  const given: LogFile[] = []
  for (const file of options.files) given.push({ file, ...(await sourceOf(file)) })
  const totalBytes = given.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
  const imported: Imported = { files: 0, sessions: 0, events: {}, rejected: [], rejectedMore: 0 }
  let modifiedMs = 0
  let doneBytes = 0
  let eventCount = 0

  const reject = (rejected: Rejected): void => {
    if (imported.rejected.length < maxRejected) imported.rejected.push(rejected)
    else imported.rejectedMore++
  }
  const parser = createSshdLog({ bastion, zone, ...(year !== undefined && { year }), notAfterMs: () => modifiedMs })

  const importFile = async (file: LogFile, isLast: boolean): Promise<void> => {
    modifiedMs = file.modifiedMs
    const sender = createEventSender(postTo(instance), ({ origin: line, reason }) => {
      reject({ file: file.file, line, reason })
    })
    let number = 0
    const add = async (events: readonly SshdEvent[]): Promise<void> => {
      for (const event of events) {
        imported.events[event.kind] = (imported.events[event.kind] ?? 0) + 1
        eventCount++
        await sender.add(event, number)
      }
    }
    const take = ({ text, cutBytes }: SplitLine): readonly SshdEvent[] => {
      number++
      const { undated, unexpanded } = parser.counts
      const events = parser.take(text)
      const loss = cutBytes > 0 ? 'longer than 64 KiB: only its start was read' : lossOf(undated, unexpanded, parser)
      if (loss) reject({ file: file.file, line: number, reason: loss })
      return events
    }
    const onRead = (bytes: number): void => {
      doneBytes += bytes
      onProgress({ doneBytes, totalBytes, events: eventCount })
    }
    for await (const lines of readLines(file.file, onRead)) {
      for (const line of lines) {
        const events = take(line)
        if (events.length > 0) await add(events) // most lines give none: a GB of them is not waited for one by one
      }
    }
    if (isLast) await add(parser.settle(Date.now()))
    await sender.finish()
    imported.files++
  }

  const ordered = await orderFiles(given, zone)
  for (const file of ordered) await importFile(file, file === ordered.at(-1))
  imported.sessions = imported.events.session_started ?? 0
  return imported
}
