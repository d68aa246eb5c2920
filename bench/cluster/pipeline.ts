import type { Engine } from '../../scripts/engines/engine.ts'
import type { Numbering } from './elastic-index.ts'
import type { Engines } from './engines.ts'
import type { EventFiles } from './events.ts'
import type { BrokerView } from './kafka-admin.ts'

/** What a run gives a pipeline: engines it shares with the others, and names and a folder of its own. */
export type RunPlace = {
  engines: Engines
  brokers: BrokerView
  folder: string
  name: string // lower case, free for topics, groups, indices
  files: EventFiles
}

/** One way from lines in a file to documents in Elasticsearch, with its indexer running and its producer waiting. */
export type RunningPipeline = {
  topic: string
  group: string
  index: string // may be a pattern
  numbering: Numbering
  producer: Engine
  indexer: Engine
  /** The producer starts to read now: the file appears where it looks. */
  go(): Promise<void>
  /** What it wrote of its own trouble, for the report. */
  complaints(): Promise<string>
  stop(): Promise<void>
}

export type Pipeline = { name: string; start(place: RunPlace): Promise<RunningPipeline> }

export const partitions = 4
