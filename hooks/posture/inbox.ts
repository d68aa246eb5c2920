import { lstat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Recorder } from '#hooks/hook.ts'
import { systemCode } from '#services/disk-error.ts'
import { writeFileDurably } from '#services/durable-file.ts'
import { hasCode } from '#services/errors.ts'
import { parsedJson } from '#services/json.ts'
import type { Logger } from '#services/log.ts'
import { createLook, type Look } from './look.ts'
import { maxFileBytes, nameOf, numbersOf, Taken, ToldFacts } from './told-facts.ts'

export type PostureInbox = { close(): Promise<void> }

export type PostureInboxOptions = {
  /** Of the agent: `posture` in it is the collector's, `agent/posture.json` says how far we have got. */
  data: string
  recorder: Pick<Recorder, 'event'>
  hasRoom: () => boolean
  log: Logger
  everyMs?: number
}

const defaultEveryMs = 5_000
const placeFile = 'agent/posture.json'

/** Facts count from root or from the agent's own user, and where nobody else can put any. */
const isTrusted = async (folder: string): Promise<boolean> => {
  const { uid, mode } = await lstat(folder)
  return [0, process.geteuid?.()].includes(uid) && (mode & 0o022) === 0
}

const readTaken = async (look: Look): Promise<number> => {
  const read = await look.text(placeFile, 4_096)
  const place = read.ok ? Taken.safeParse(JSON.parse(read.value.text)) : null
  return place?.success ? place.data.lastFile : 0
}

const isRefused = (error: unknown): boolean =>
  hasCode(error, 'BTZ_REQUEST_INVALID') || hasCode(error, 'BTZ_PAYLOAD_TOO_LARGE')

/** Takes what `bartizan posture --send` leaves, in order: each file's events are durable before the next is read. */
export const startPostureInbox = (options: PostureInboxOptions): PostureInbox => {
  const { data, recorder, hasRoom, log, everyMs = defaultEveryMs } = options
  const folder = join(data, 'posture')
  const closing = new AbortController()
  const { signal } = closing
  let taken: number | null = null
  let distrusted = false

  const complain = async (detail: string): Promise<void> => {
    log.error(`posture: ${detail}`)
    const at = new Date().toISOString()
    await recorder.event({ kind: 'recorder_health', at, source: 'posture', status: 'ok', detail: `posture: ${detail}` })
  }
  const takeFile = async (look: Look, number: number): Promise<void> => {
    const read = await look.text(`posture/${nameOf(number)}`, maxFileBytes)
    if (!read.ok) return complain(read.reason)
    const told = ToldFacts.safeParse(parsedJson(read.value.text))
    if (!told.success) return complain(`${nameOf(number)} is not a file of facts`)
    for (const event of told.data.events) {
      await recorder.event({ kind: 'posture', source: 'posture', ...event }).catch((error: unknown) => {
        if (!isRefused(error)) throw error
        return complain(`${event.check} was refused: ${(error as Error).message}`)
      })
    }
  }
  const takeAll = async (): Promise<void> => {
    if (!(await isTrusted(folder))) {
      if (!distrusted) await complain(`others than root can write ${folder}; what is there is not taken`)
      distrusted = true
      return
    }
    distrusted = false
    const look = await createLook(data)
    const names = await look.names('posture')
    if (!names.ok) throw new Error(names.reason)
    const numbers = numbersOf(names.value)
    if (numbers.length === 0) return
    taken ??= await readTaken(look).catch(() => 0)
    for (const number of numbers) {
      if (number <= taken || signal.aborted || !hasRoom()) continue
      await takeFile(look, number)
      taken = number
      await writeFileDurably(join(data, placeFile), JSON.stringify({ version: 1, lastFile: number }))
    }
  }
  const run = async (): Promise<void> => {
    while (!signal.aborted) {
      await takeAll().catch((err: unknown) => {
        if (systemCode(err) !== 'ENOENT') log.error({ err }, 'posture: not taken now; tried again')
      })
      await sleep(everyMs, undefined, { signal, ref: false }).catch(() => undefined)
    }
  }
  const running = run()
  return {
    close: async () => {
      closing.abort()
      await running
    },
  }
}
