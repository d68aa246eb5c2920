/** Where records travel between the stages: ordered per key, at least once, durable before acknowledged. */

export const topics = [
  'session-frames',
  'session-events',
  'alerts',
  'dead-letters',
  'entity-events',
  'log-entries',
] as const
export type Topic = (typeof topics)[number]

/** Leaves of the transparency log need one order over all of them. */
const singlePartitionTopics: readonly Topic[] = ['log-entries']
/** How many partitions a new topic gets; the same on every adapter, so that keys fall alike. */
export const partitionsFor = (topic: Topic, configured: number): number =>
  singlePartitionTopics.includes(topic) ? 1 : configured

export type NewRecord = {
  topic: Topic
  key: string // decides the partition: all records of a key keep their order
  value: Uint8Array
  headers?: Record<string, string> // key, value and headers together: at most maxRecordBytes
}

export type BusRecord = {
  topic: Topic
  partition: number
  offset: number // 0, 1, 2, … per partition
  key: string
  value: Uint8Array
  headers: Record<string, string>
  timestampMs: number // when the bus took it
}

export type Placed = { topic: Topic; partition: number; offset: number }
export type TopicPartition = { topic: Topic; partition: number }

/** Records of one topic-partition, in offset order. */
export type RecordRun = TopicPartition & { records: BusRecord[] }

/**
 * A member of a consumer group. The bus calls `onRecords` with one run at a time per partition and awaits it: not
 * returning is back-pressure. Processing does not commit; `commit` is the member's own act, after its write is durable.
 * Nothing here is called before `subscribe` has resolved. A new group starts at the oldest record there is.
 */
export type Consumer = {
  onRecords(run: RecordRun, control: ConsumeControl): Promise<void>
  /** Before the first run of these partitions. Anything held for them from an earlier assignment is stale. */
  onAssigned?(partitions: TopicPartition[]): Promise<void>
  /** The partitions are gone: drop what is held for them, commit nothing more. */
  onRevoked?(partitions: TopicPartition[]): Promise<void>
}
export type ConsumeControl = {
  /** To be called at least every 10 s while a run is being processed, or the group may give the partition away. */
  heartbeat(): Promise<void>
  signal: AbortSignal // aborted when the subscription closes or the partition is revoked
}

export type Subscription = {
  /**
   * Durably: everything before `nextOffset` is done. Lower than what is committed already: no effect, never back.
   * @throws BTZ_BUS_NOT_ASSIGNED when the partition is not, or no longer, this member's: another one does that work
   * @throws BTZ_REQUEST_INVALID beyond the end of the log · BTZ_DISK_FULL BTZ_UNAVAILABLE BTZ_BUS_CLOSED
   */
  commit(at: TopicPartition, nextOffset: number): Promise<void>
  /** Resolves when no `onRecords` is running any more, and after `onRevoked` of what it had. Not from inside a callback. */
  close(): Promise<void>
}

export type SubscribeOptions = {
  group: string
  topics: Topic[]
  maxRunBytes?: number // of one onRecords call, by default 4 MiB
  /**
   * A failing onRecords (rejection) is retried with the same run, after a growing delay; this is told each time.
   * What can never succeed is the member's to dead-letter.
   */
  onError?(error: unknown, run: RecordRun, attempt: number): void
}

export type Following = {
  /** Resolves when no `onRecords` is running any more. Not from inside it. */
  close(): Promise<void>
}

/** `committed` is durable. */
export type GroupLag = TopicPartition & { group: string; committed: number; end: number }

/**
 * Retention: records go when they are older than the limit. The embedded bus keeps what some group has not committed; Kafka
 * does not know groups then, so lag has to be watched. A group whose records are gone goes on at the oldest there is.
 */
export type Bus = {
  /** Random, made with the bus: offsets mean nothing without it, since a new bus starts at 0 again. */
  readonly id: string
  /**
   * Resolves after the records are durable, with one place per record, in order. Calls wait while too many bytes are
   * under way. Records of one call and key stay together and in order.
   * @throws BTZ_BUS_RECORD_TOO_LARGE BTZ_BUS_UNKNOWN_TOPIC BTZ_BUS_CLOSED: none of the call's records is written
   * @throws BTZ_UNAVAILABLE when too many bytes wait (none is written), or a partition cannot be written now
   * @throws BTZ_DISK_FULL. Of this and of the latter, some of the call's records may be written: whoever sends them again
   * makes duplicates, and no loss. Their values must not be changed before it resolves
   */
  produce(records: NewRecord[]): Promise<Placed[]>
  subscribe(options: SubscribeOptions, consumer: Consumer): Promise<Subscription>
  /**
   * Reads without a group, for repair and dead letters: `limit` records from `offset` (or the oldest kept) on; fewer
   * only at the end. @throws BTZ_BUS_CORRUPT naming the place and offset · BTZ_UNAVAILABLE
   */
  read(at: TopicPartition, offset: number, limit: number): Promise<BusRecord[]>
  /**
   * Writes over headers and value of the records that hold the text `mentions` and that `matches`, where they stand and for
   * good. Their places and keys stay; no member is given them any more. @returns how many; null: this bus cannot, what it
   * holds goes with its retention
   */
  erase(topics: readonly Topic[], mentions: string, matches: (record: BusRecord) => boolean): Promise<number | null>
  lag(): Promise<GroupLag[]>
  /** What a group has durably committed of a partition; null: nothing. @throws BTZ_UNAVAILABLE */
  committed(group: string, at: TopicPartition): Promise<number | null>
  /**
   * Every record from `offset` (or the oldest kept) on, in order, soon after it is durable, without a group: for who watches
   * what comes. Each call is awaited, which is back-pressure; the same records come again when it rejects. One at a time per
   * partition. @throws BTZ_REQUEST_INVALID it is followed already · BTZ_UNAVAILABLE BTZ_BUS_CLOSED
   */
  follow(at: TopicPartition, offset: number, onRecords: (records: BusRecord[]) => Promise<void>): Promise<Following>
  partitions(topic: Topic): number
  readonly maxRecordBytes: number
  close(): Promise<void>
}
