import { join } from 'node:path'
import { createReceiver } from '#ingest/receiver/receiver.ts'
import type { RecordingUploads } from '#ingest/receiver/recording-uploads.ts'
import { createAgentKeys } from '#services/access/agent-keys.ts'
import { createEnrolmentCodes } from '#services/agents/enrolment-codes.ts'
import { createHeartbeats } from '#services/agents/heartbeats.ts'
import { createListening, sayListeningCron } from '#services/agents/listening.ts'
import { createOrders } from '#services/agents/orders.ts'
import type { ReceiverBackends } from '#services/backends.ts'
import type { Config } from '#services/config.ts'
import { createErasedSessions } from '#services/erasure/erased-sessions.ts'
import type { Authority } from '#services/pki/authority.ts'
import { startSchedule } from '#services/schedule.ts'
import { createUploadImport } from '../import/upload.ts'
import type { RoutedStage, StageOptions } from './stage.ts'

const uploadsOf = ({ data, ingest }: Config, importRecording: RecordingUploads['importRecording']) => ({
  folder: join(data, 'uploads'),
  limits: { maxBytes: ingest.maxRecordingBytes, soonBytes: 64 * 1024 * 1024, soonMs: 30_000 },
  importRecording,
})

/** Agents → bus. */
export const receiverStage = (
  options: StageOptions<ReceiverBackends>,
  authority: Authority | null = null,
): RoutedStage => {
  const { config, backends, access, registry, clock } = options
  const log = options.log.child({ stage: 'receiver' })
  const heartbeats = createHeartbeats({ ...backends, clock, log })
  const orders = createOrders({ ...backends, clock, log })
  const agentKeys = createAgentKeys({ ...backends, clock })
  const { tokens, enrolments } = access
  const codes = createEnrolmentCodes({ ...backends, clock })
  const router = createReceiver({
    ...{ ...backends, tokens, enrolments, agentKeys, heartbeats, orders, clock, log, registry },
    erased: createErasedSessions({ ...backends, clock }),
    plainFrom: config.receiver.plainFrom,
    enrolment: authority && { authority, codes, enrolments, agentKeys },
    recordings: uploadsOf(config, createUploadImport({ ...backends, config, agentKeys, clock, log })),
  })
  const saying = startSchedule(sayListeningCron, log, createListening({ ...backends, clock }).say)
  const close = async () => {
    orders.close()
    await saying.stop()
  }
  return { router, close }
}
