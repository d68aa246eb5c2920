import type { SessionOpening } from '#hooks/hook.ts'
import type { FileEnding, FileOpening, FileStep } from '#hooks/recorded-file.ts'
import type { Identity } from '#services/access/identity.ts'
import type { Config } from '#services/config.ts'
import { BartizanError } from '#services/errors.ts'
import type { RecordingQuery } from '#services/schema/recording-upload.ts'
import type { FormatName, RecordingFormat } from './formats.ts'
import type { Outbox } from './outbox.ts'
import { recordingId } from './session-id.ts'
import { createSessionRecords, type SessionRecords } from './session-records.ts'
import { createSource, type RecordingSource } from './source.ts'
import { createStagedFile, type StagedWriter } from './staged-file.ts'

const dayMs = 86_400_000

/** What is given goes before what the file says. */
export type Given = { user?: string; target?: string; startedAtMs?: number }
export const givenOf = ({ user, target, start }: Pick<RecordingQuery, 'user' | 'target' | 'start'>): Given => ({
  ...(user !== undefined && { user }),
  ...(target !== undefined && { target }),
  ...(start !== undefined && { startedAtMs: start }),
})
export type ImportContext = {
  name: FormatName
  format: RecordingFormat
  maxBytes: number
  given: Given
  bastion: string
  config: Config['agent']
  outbox: Outbox
  identity: Identity
}
/** `incomplete`: why the file holds less than there was; null: it does not, or an earlier import sent it. */
export type Outcome = { isNew: boolean; events: Record<string, number>; incomplete: string | null }

const failed = (message: string, hint?: string): BartizanError =>
  new BartizanError('BTZ_IMPORT_FAILED', message, hint === undefined ? {} : { hint })

const openingOf = (opening: FileOpening, { name, given, bastion }: ImportContext): SessionOpening => {
  const startedAtMs = given.startedAtMs ?? opening.startedAtMs
  if (startedAtMs === null) throw failed('it does not say when it began', 'say so: --start, over HTTP start=')
  if (startedAtMs > Date.now() + dayMs)
    throw failed(
      `it began at ${new Date(startedAtMs).toISOString()}, in the future`,
      'correct it: --start, over HTTP start=',
    )
  const user = given.user ?? opening.user ?? 'unknown'
  return { ...opening, hook: name, startedAtMs, user, target: given.target ?? opening.target ?? bastion }
}

/** A session on its way into its staged file. */
type Staging = { id: string; records: SessionRecords; file: StagedWriter; ending: FileEnding | null }

/** Null: it was sent before. */
const beginStaging = async (context: ImportContext, found: FileOpening, digest: string): Promise<Staging | null> => {
  const { name, given, bastion, config, outbox, identity } = context
  const opening = openingOf(found, context)
  const facts = [name, bastion, given.user ?? '', given.target ?? '', digest]
  const id = recordingId(identity.privateKey, opening.startedAtMs, facts)
  if (await outbox.isSent(id)) return null
  const records = createSessionRecords({ sessionId: id, bastion, opening, config, identity })
  return { id, records, file: await createStagedFile(outbox.fileOf(id)), ending: null }
}

const take = (staging: Staging, step: FileStep): void => {
  if (step.kind === 'opening') return
  if (step.kind === 'ending') staging.ending = step.ending
  staging.records.take(step)
}

const incompleteOf = ({ ending, records }: Staging): string | null =>
  ending !== null && (ending.reason === 'truncated' || records.counts.gaps > 0) ? ending.detail : null

/** The staged session, finished but not sent. Null: it was sent before. */
const stage = async (
  context: ImportContext,
  source: RecordingSource,
  onRead: (bytes: number) => void,
): Promise<Staging | null> => {
  const before = source.state()
  const digest = await source.digest()
  let staging: Staging | null = null
  try {
    for await (const steps of context.format.read(source.opener(onRead))) {
      const [first] = steps
      if (first?.kind === 'opening') {
        staging = await beginStaging(context, first.opening, digest)
        if (staging === null) return null
      }
      if (staging === null) continue
      for (const step of steps) take(staging, step)
      for (const record of staging.records.finished()) await staging.file.write(record)
    }
    if (!staging?.ending) throw failed('it holds no session')
    if (source.state() !== before) throw failed('it changed while it was read', 'import it when its recorder has ended')
    await staging.file.finish()
    return staging
  } catch (error) {
    await staging?.file.discard()
    throw error
  }
}

/** One recording: read twice, since its id comes from all of its bytes. @throws BTZ_* */
export const importOne = async (
  context: ImportContext,
  recording: string,
  onRead: (bytes: number) => void,
): Promise<Outcome> => {
  const staging = await stage(context, createSource(recording, context.format, context.maxBytes), onRead)
  if (staging === null) return { isNew: false, events: {}, incomplete: null }
  await context.outbox.send(staging.id)
  return { isNew: true, events: staging.records.counts.events, incomplete: incompleteOf(staging) }
}
