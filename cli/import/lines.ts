import type { Instance } from '../instance.ts'
import { type LineFormat, type LineReader, lineFormats, type TakenLine } from './line-formats.ts'
import type { Imported, ImportOptions, Rejected } from './openssh.ts'
import { postTo } from './post.ts'
import { readLines, sourceOf } from './read-lines.ts'
import { createEventSender } from './send-events.ts'

const maxRejected = 1_000

export type ImportLines = {
  files: readonly string[]
  format: LineFormat
  bastion: string
  instance: Instance
  onProgress: ImportOptions['onProgress']
}

type Given = { file: string; reader: LineReader; instance: Instance; onRead: (bytes: number) => void }

/** What cannot be taken is told line by line; a line that was cut by its length is one of them. */
const importFile = async (
  { file, reader, instance, onRead }: Given,
  count: (kind: string) => void,
  reject: (rejected: Rejected) => void,
): Promise<void> => {
  const sender = createEventSender(postTo(instance), ({ origin: line, reason }) => reject({ file, line, reason }))
  let number = 0
  const put = async ({ events, refused }: TakenLine): Promise<void> => {
    for (const reason of refused) reject({ file, line: number, reason })
    for (const event of events) {
      count(event.kind)
      await sender.add(event, number)
    }
  }
  for await (const lines of readLines(file, onRead)) {
    for (const { text, cutBytes } of lines) {
      number++
      await put(cutBytes > 0 ? { events: [], refused: ['longer than 64 KiB'] } : reader.take(text))
    }
  }
  await put(reader.rest())
  await sender.finish()
}

/** Files of lines → the running instance. The same file again gives the same ids. @throws BTZ_* */
export const importLines = async ({ files, format, bastion, instance, onProgress }: ImportLines): Promise<Imported> => {
  const imported: Imported = { files: 0, sessions: 0, events: {}, rejected: [], rejectedMore: 0 }
  const sizes = await Promise.all(files.map(sourceOf))
  const totalBytes = sizes.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
  let doneBytes = 0
  let events = 0
  const count = (kind: string): void => {
    imported.events[kind] = (imported.events[kind] ?? 0) + 1
    events++
  }
  const reject = (rejected: Rejected): void => {
    if (imported.rejected.length < maxRejected) imported.rejected.push(rejected)
    else imported.rejectedMore++
  }
  const onRead = (bytes: number): void => {
    doneBytes += bytes
    onProgress({ doneBytes, totalBytes, events })
  }
  for (const file of files) {
    await importFile({ file, reader: lineFormats[format](bastion), instance, onRead }, count, reject)
    imported.files++
  }
  imported.sessions = imported.events.session_started ?? 0
  return imported
}
