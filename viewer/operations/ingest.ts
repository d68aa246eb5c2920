import { ImportedRecordings, RecordingJob, RecordingQuery } from '#services/schema/recording-upload.ts'
import {
  BatchesAnswer,
  EventsAnswer,
  Heartbeat,
  HeartbeatAnswer,
  ImportKey,
  ImportKeyAnswer,
} from '#services/schema/uplink.ts'
import type { Operation } from './operation.ts'

/** What agents and imports send. */
export const ingestOperations: Operation[] = [
  {
    method: 'post',
    path: '/api/ingest/batches',
    summary: 'Frame batches of an agent',
    bodyType: 'application/x-protobuf',
    answer: BatchesAnswer,
  },
  {
    method: 'post',
    path: '/api/ingest/events',
    summary: 'Events, one JSON object per line',
    bodyType: 'application/x-ndjson',
    answer: EventsAnswer,
  },
  {
    method: 'post',
    path: '/api/ingest/recordings',
    summary: 'One recording of another recorder as a sealed session; over 64 MiB, or 30 s: 202, and a job in Location',
    query: RecordingQuery,
    bodyType: 'application/octet-stream',
    answer: ImportedRecordings,
  },
  {
    method: 'get',
    path: '/api/ingest/recordings/jobs/{id}',
    summary: 'What became of a recording whose upload was answered with 202',
    answer: RecordingJob,
  },
  {
    method: 'post',
    path: '/api/ingest/signing-keys',
    summary: 'The key with which an import signs what it sends for a bastion',
    body: ImportKey,
    answer: ImportKeyAnswer,
  },
  {
    method: 'put',
    path: '/api/agents/heartbeat',
    summary: 'Heartbeat of an agent; the answer may be held for orders',
    body: Heartbeat,
    answer: HeartbeatAnswer,
  },
]
