import type { Request, Router } from 'express'
import type { Enrolments } from '#services/agents/enrolments.ts'
import type { Clock } from '#services/clock.ts'
import { type AnswerHeartbeatOptions, createHeartbeatAnswers } from './answer-heartbeat.ts'
import { createEnrolment, type EnrolOptions } from './enrol.ts'
import { createRecordingUploads, type RecordingUploads } from './recording-uploads.ts'
import { registerImportKey } from './register-import-key.ts'
import { type Credentials, identifySender } from './sender.ts'
import { createUplinkRouter, type UplinkRouterOptions } from './uplink-router.ts'

export type ReceiverOptions = Omit<AnswerHeartbeatOptions, 'identify' | 'bus' | 'enrolments'> &
  Pick<UplinkRouterOptions, 'bus' | 'plainFrom' | 'registry'> & {
    tokens: Credentials['tokens']
    enrolments: Pick<Enrolments, 'verify' | 'behind' | 'verifyBehind'>
    /** Null: agents of other machines are not enrolled here. */
    enrolment: Pick<EnrolOptions, 'authority' | 'codes' | 'enrolments' | 'agentKeys'> | null
    /** Null: recordings are not taken here. */
    recordings: Pick<RecordingUploads, 'folder' | 'limits' | 'importRecording'> | null
    clock: Clock
  }

/** Agents → bus. */
export const createReceiver = (options: ReceiverOptions): Router => {
  const identify = (request: Request) => identifySender(options, request)
  return createUplinkRouter({
    ...options,
    identify,
    enrolment: options.enrolment && createEnrolment({ ...options, ...options.enrolment }),
    answerHeartbeat: createHeartbeatAnswers({ ...options, identify }),
    importKey: (sender, body) => registerImportKey(options, sender, body),
    recordings: options.recordings && createRecordingUploads({ ...options, ...options.recordings, identify }),
    receivedAtMs: options.clock.now,
  })
}
