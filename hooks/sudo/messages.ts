import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf'
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire'
import { BartizanError } from '#services/errors.ts'
import {
  type ClientMessage,
  ClientMessageSchema,
  ServerMessageSchema,
} from '#services/schema/generated/log_server_pb.ts'
import { frame } from './framing.ts'
import { type IoSaid, readIoMessage } from './io-message.ts'
import { fromNs } from './time-spec.ts'

/** What a client may say, without the case of saying nothing. */
export type ClientSaid = Exclude<ClientMessage['type'], { case: undefined | IoSaid['case'] }> | IoSaid

const maxInfos = 10_000
const infosField = new Map([
  [1, 2], // accept_msg.info_msgs
  [2, 3], // reject_msg.info_msgs
  [5, 3], // alert_msg.info_msgs
])

// Two bytes on the wire make an InfoMessage of some 200 bytes in memory: counted before they are built.
const countInfos = (bytes: Uint8Array): number => {
  let count = 0
  const walk = (reader: BinaryReader, end: number, onField: (no: number, type: WireType) => void): void => {
    while (reader.pos < end) {
      const [no, type] = reader.tag()
      onField(no, type)
    }
  }
  const reader = new BinaryReader(bytes)
  walk(reader, bytes.byteLength, (no, type) => {
    const infos = infosField.get(no)
    if (infos === undefined || type !== WireType.LengthDelimited) return void reader.skip(type, no)
    const end = reader.uint32() + reader.pos
    walk(reader, end, (innerNo, innerType) => {
      if (innerNo === infos) count += 1
      reader.skip(innerType, innerNo)
    })
  })
  return count
}

const decodeAny = (bytes: Uint8Array): ClientSaid => {
  let said: ClientMessage['type']
  try {
    if (countInfos(bytes) > maxInfos) throw new Error(`more than ${maxInfos} infos`)
    said = fromBinary(ClientMessageSchema, bytes, { readUnknownFields: false }).type
  } catch (cause) {
    throw new BartizanError('BTZ_SUDO_PROTOCOL', `not a ClientMessage: ${(cause as Error).message}`, { cause })
  }
  if (said.case === undefined) throw new BartizanError('BTZ_SUDO_PROTOCOL', 'a message of an unknown type')
  return said
}

/** @throws BTZ_SUDO_PROTOCOL for what is not a ClientMessage, says nothing known, or has too many parts */
export const decodeClientMessage = (bytes: Uint8Array): ClientSaid => readIoMessage(bytes) ?? decodeAny(bytes)

const encode = (type: MessageInitShape<typeof ServerMessageSchema>['type']): Buffer =>
  frame(toBinary(ServerMessageSchema, create(ServerMessageSchema, { type })))

/** What the server says, framed. Texts are shown to the user by sudo. */
export const serverMessage = {
  hello: (serverId: string): Buffer => encode({ case: 'hello', value: { serverId, subcommands: true } }),
  commitPoint: (elapsedNs: bigint): Buffer => encode({ case: 'commitPoint', value: fromNs(elapsedNs) }),
  logId: (logId: string): Buffer => encode({ case: 'logId', value: logId }),
  error: (text: string): Buffer => encode({ case: 'error', value: text }),
  abort: (text: string): Buffer => encode({ case: 'abort', value: text }),
}
