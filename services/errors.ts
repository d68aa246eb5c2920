/** Every error code of the product: what it means. The message says what happened, to what; the hint what to do. */
export const errorCodes = {
  BTZ_CONFIG_INVALID: 'the configuration has unknown or wrong keys',
  BTZ_FILE_EXISTS: 'the file is there already, and is never overwritten',
  BTZ_DATA_LOCKED: 'another process uses this data folder',
  BTZ_DATA_UNWRITABLE: 'the data folder cannot be written',
  BTZ_DISK_FULL: 'the disk is full',
  BTZ_PORT_IN_USE: 'another program listens on the port',
  BTZ_AGENT_START: 'the agent process did not start',
  BTZ_IMPORT_FAILED: 'a file cannot be imported',
  BTZ_NOT_RUNNING: 'no Bartizan runs on this data folder',
  BTZ_BUS_CLOSED: 'the bus is closed',
  BTZ_BUS_RECORD_TOO_LARGE: 'a record is larger than the bus takes',
  BTZ_BUS_CORRUPT: 'the bus has damage that is not a torn tail',
  BTZ_BUS_NOT_ASSIGNED: 'the partition belongs to another member of the group now',
  BTZ_BUS_UNKNOWN_TOPIC: 'the topic does not exist',
  BTZ_BUS_MISCONFIGURED: 'the brokers or topics are not set up as they have to be',
  BTZ_RECORDING_EXISTS: 'the key was written before; evidence is never overwritten',
  BTZ_RECORDING_NOT_FOUND: 'there is no evidence under this key',
  BTZ_RECORDING_KEY_INVALID: 'the evidence key has a form that is not allowed',
  BTZ_EVIDENCE_CORRUPT: 'the evidence does not match its own digests',
  BTZ_EVIDENCE_FORMAT: 'the evidence has a format this version cannot read',
  BTZ_LOG_FORK: 'the transparency log has two histories, or one that its key did not sign',
  BTZ_IMMUTABLE_UNAVAILABLE: 'evidence files cannot be made immutable here',
  BTZ_RECORDING_UNLOCKED: 'the store does not lock what is put into it',
  BTZ_RECORDING_TAMPERED: 'the store holds a version of this evidence that is not the first one',
  BTZ_RECORDINGS_MISCONFIGURED: 'the evidence store or our permissions in it are not set up as they have to be',
  BTZ_RETENTION_TOO_LONG: 'the retention is longer than allowed',
  BTZ_CLOCK_SKEW: 'the clocks of this machine and of the store differ too much',
  BTZ_ERASED: 'the content of this session is being erased, or gone',
  BTZ_HELD: 'a legal hold keeps this session',
  BTZ_NOT_ERASABLE: 'this session cannot be erased as it stands',
  BTZ_KEY_DESTROYED: 'the session key was destroyed: the content is erased',
  BTZ_KEY_NOT_FOUND: 'there is no key for this session',
  BTZ_KEY_INVALID: 'the key file is damaged or not ours',
  BTZ_KEYS_EXPOSED: 'the keys can be read by other users of this machine',
  BTZ_BACKUP_DAMAGED: 'the backup is damaged, cut short, or sealed with another passphrase',
  BTZ_STATE_CONFLICT: 'the value was changed by someone else in between',
  BTZ_CATALOG_QUERY: 'the query cannot be understood',
  BTZ_QUERY_SYNTAX: 'the search is not written as the query language has it',
  BTZ_CATALOG_TIMEOUT: 'the query took longer than its limit',
  BTZ_CATALOG_CURSOR: 'the page cursor is not one of ours',
  BTZ_CATALOG_MISCONFIGURED: 'the templates or indices of the catalog are not set up as they have to be',
  BTZ_CATALOG_REFUSED: 'the catalog can never take this row',
  BTZ_BATCH_INVALID: 'the batch cannot be decoded or breaks a limit',
  BTZ_SPOOL_FULL: 'the spool has reached its limit',
  BTZ_SUDO_PROTOCOL: 'the sudo client broke the log server protocol',
  BTZ_CERTIFICATE: 'a certificate cannot be made or is not to be trusted',
  BTZ_ENROL_REFUSED: 'the agent was not enrolled',
  BTZ_PROTOCOL_VERSION: 'agent and receiver are more than one release apart',
  BTZ_SCREEN_UNAVAILABLE: 'what stood on the screen of a session cannot be derived from its output',
  BTZ_SCRIPT_FORMAT: 'what script(1) or `bartizan record` sent has a form they never use',
  BTZ_ALIS_FORMAT: 'the live stream breaks the ALiS protocol',
  BTZ_AUTH_REQUIRED: 'the request carries no valid credentials',
  BTZ_ORIGIN_UNPROVEN: 'the record is not proven to come from whom it speaks for',
  BTZ_PRECONDITION_REQUIRED: 'the request has to say which state it was decided on',
  BTZ_FORBIDDEN: 'the credentials do not allow this',
  BTZ_OWN_SESSION: 'nobody has to do with evidence of their own sessions',
  BTZ_SECOND_PERSON: 'whoever asked for it cannot be the one who agrees to it',
  BTZ_REASON_REQUIRED: 'whoever sees content here has to say why',
  BTZ_APPROVAL_REQUIRED: 'a second person has to agree before this content is seen',
  BTZ_PLAYER_TERMINAL: 'the terminal of the installed player cannot be used',
  BTZ_NOT_FOUND: 'there is no such thing',
  BTZ_REQUEST_INVALID: 'the request is malformed',
  BTZ_PAYLOAD_TOO_LARGE: 'the request body is larger than allowed',
  BTZ_MEDIA_UNSUPPORTED: 'content of this kind is not taken here',
  BTZ_TOO_MANY_REQUESTS: 'too many requests',
  BTZ_UNAVAILABLE: 'the service cannot take this now',
  BTZ_DIRECTORY_INVALID: "the operator's directory cannot be read",
  BTZ_GEO_INVALID: 'the database of places cannot be read',
  BTZ_RELAY_REFUSED: 'the receiver refused for good what a relay passed on',
  BTZ_SINK_REFUSED: 'a destination can never take this record',
  BTZ_INTERNAL: 'an error inside Bartizan',
} as const

export type ErrorCode = keyof typeof errorCodes

/** Where in a text that was given, in UTF-16 units; `end`: the first one behind it. */
export type ErrorPosition = { start: number; end: number }

/** An error with a code. `message`: what happened, to what. `hint`: what to do about it. */
export class BartizanError extends Error {
  readonly code: ErrorCode
  readonly hint: string | undefined
  readonly position: ErrorPosition | undefined
  constructor(
    code: ErrorCode,
    message: string,
    options: { hint?: string; position?: ErrorPosition; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'BartizanError'
    this.code = code
    this.hint = options.hint
    this.position = options.position
  }
}

export const hasCode = (error: unknown, code: ErrorCode): boolean =>
  error instanceof BartizanError && error.code === code
