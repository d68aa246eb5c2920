import { hash } from 'node:crypto'
import { createBatchBuilder } from '#hooks/agent/batch-builder.ts'
import { extendChain, newChain, type SessionChain } from '#hooks/agent/session-chain.ts'
import { commandEvent, endedEvent, startedEvent } from '#hooks/agent/session-events.ts'
import { markerFrame, maskedMarker } from '#hooks/agent/session-marker.ts'
import { endMessage, factsOf, startMessage } from '#hooks/agent/session-start.ts'
import type { SpoolEntry } from '#hooks/agent/spool/record.ts'
import type { HookEvent, SessionOpening } from '#hooks/hook.ts'
import { type FileEnding, type FileStep, noRecording } from '#hooks/recorded-file.ts'
import type { Identity } from '#services/access/identity.ts'
import type { Config } from '#services/config.ts'
import { SessionEvent } from '#services/schema/session-event.ts'
import { createMaskedStream } from './masked-stream.ts'

export type SessionAbout = {
  sessionId: string
  bastion: string
  opening: SessionOpening
  config: Config['agent']
  identity: Identity
}
export type SessionCounts = { events: Record<string, number>; gaps: number }

/** Steps of a file → the records an agent would have written of the session: batches, chained and signed, and events. */
export const createSessionRecords = ({ sessionId, bastion, opening, config, identity }: SessionAbout) => {
  const chain: SessionChain = newChain(sessionId, factsOf(opening, null), Date.now())
  const signing = { privateKey: identity.privateKey, everyMs: config.signHeadMs }
  const counts: SessionCounts = { events: {}, gaps: 0 }
  let records: SpoolEntry[] = []
  let fullBatches = 0

  const batch = (content: Parameters<typeof extendChain>[1]): void =>
    void records.push(extendChain(chain, content, bastion, signing, Date.now()))
  const event = (content: HookEvent): void => {
    const id = hash('sha256', `bartizan-import-v0\n${sessionId}\n${content.kind}\n`)
    const { success, data, error } = SessionEvent.safeParse({ id, ...content, bastion })
    if (!success) throw noRecording(opening.hook, `its ${content.kind} is none: ${error.issues[0]?.path.join('.')}`)
    counts.events[data.kind] = (counts.events[data.kind] ?? 0) + 1
    records.push({ type: 'event', sessionId, seq: 0, body: Buffer.from(JSON.stringify(data)) })
  }
  const builder = createBatchBuilder(config.batchMaxBytes, 0n, () => void fullBatches++)
  const takeBatches = (): void => {
    for (; fullBatches > 0; fullBatches--) batch({ frames: builder.take()!.frames })
  }
  const masked = createMaskedStream(config.masking, (frame) => builder.add(frame, 0n))

  const command = (exitCode: number | null): void => {
    const [first] = opening.argv
    if (first === undefined) return
    const { cwd, runAs, argv } = opening
    const marker = maskedMarker({ type: 'exec', argv, command: first, cwd, runAs })
    if (marker.type === 'exec') event({ ...commandEvent(chain, marker, 0n), exitCode })
  }
  const end = (ending: FileEnding): void => {
    masked.end()
    takeBatches()
    const rest = builder.take()
    const frames = rest?.frames ?? []
    const elapsedNs = frames.reduce((sum, { delayNs }) => sum + delayNs, chain.elapsedNs)
    const runTimeNs = ending.runTimeNs ?? elapsedNs
    const atMs = opening.startedAtMs + Number(runTimeNs / 1_000_000n)
    batch({ frames, end: endMessage({ ...ending, runTimeNs }, opening.startedAtMs, atMs) })
    batch({ frames: [] }) // carries the signed head over the end
    command(ending.exitCode)
    event(endedEvent(chain))
  }

  batch({ frames: [], start: startMessage(opening, null, config.envKeep) })
  event(startedEvent(sessionId, chain.facts))
  return {
    counts,
    take: (step: Exclude<FileStep, { kind: 'opening' }>): void => {
      if (step.kind === 'ending') return void end(step.ending)
      if (step.kind === 'marker' && step.marker.type === 'gap') counts.gaps++
      masked.push(step.kind === 'frame' ? step.frame : markerFrame(maskedMarker(step.marker)))
      takeBatches()
    },
    /** Those that are finished, once. */
    finished: (): SpoolEntry[] => {
      const taken = records
      records = []
      return taken
    },
  }
}
export type SessionRecords = ReturnType<typeof createSessionRecords>
