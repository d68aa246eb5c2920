import { basename } from 'node:path/posix'
import type { SessionEvent } from '../../schema/session-event.ts'
import { ipOf, outcomeOf, ownFields } from './item-facts.ts'
import { sentence } from './wording.ts'

export type CefFields = [key: string, value: string | number | boolean | null | undefined][]

/** `src` takes IPv4 only; IPv6 has a custom field, a host name `shost`. */
export const cefSource = (address: string | null | undefined): CefFields => {
  const ip = ipOf(address)
  if (ip === null) return [['shost', address]]
  return ip.includes(':')
    ? [
        ['c6a2Label', 'Source IPv6 Address'],
        ['c6a2', ip],
      ]
    : [['src', ip]]
}

/** A custom field with its label; nothing where there is no value. */
export const labelled = (key: string, label: string, value: CefFields[number][1]): CefFields =>
  value === null || value === undefined || value === ''
    ? []
    : [
        [`${key}Label`, label],
        [key, value],
      ]

const fileFields = (event: Extract<SessionEvent, { kind: 'file_transfer' }>): CefFields => [
  ['act', event.direction],
  ['app', event.protocol],
  ['filePath', event.path],
  ['fname', event.path ? basename(event.path) : null],
  ['fsize', event.sizeBytes],
  ['cnt', event.fileCount],
  ['fileHash', event.sha256],
]

/** What the dictionary has a key for; `mapped`: names that are not repeated in the rest. */
const kindFields = (event: SessionEvent): { fields: CefFields; mapped: string[] } => {
  switch (event.kind) {
    case 'login':
    case 'login_failed':
      return {
        fields: [
          ['act', 'ssh_login'],
          ['app', 'ssh'],
          ['reason', event.kind === 'login_failed' ? event.reason : null],
        ],
        mapped: ['reason'],
      }
    case 'session_started':
      return {
        fields: [
          ['act', 'session_started'],
          ['app', event.protocol],
        ],
        mapped: ['protocol'],
      }
    case 'session_ended': {
      const end = Date.parse(event.at)
      const fields: CefFields = [
        ['act', 'session_ended'],
        ['in', event.inBytes],
        ['out', event.outBytes],
        ['start', Math.round(end - event.durationMs)],
        ['end', end],
        ...labelled('cn2', 'exitCode', event.exitCode),
      ]
      return { fields, mapped: ['inBytes', 'outBytes', 'durationMs', 'exitCode'] }
    }
    case 'command':
      return {
        fields: [
          ['act', `command_${event.via}`],
          ['duser', event.runAs],
          ...labelled('cs2', 'commandLine', event.line || event.argv.join(' ')),
          ...labelled('cn2', 'exitCode', event.exitCode),
        ],
        mapped: ['line', 'argv', 'runAs', 'exitCode', 'via'],
      }
    case 'file_transfer':
      return {
        fields: fileFields(event),
        mapped: ['direction', 'protocol', 'path', 'sizeBytes', 'fileCount', 'sha256'],
      }
    case 'port_forward':
      return {
        fields: [
          ['act', `port_forward_${event.direction}`],
          ['dpt', event.destPort],
          ...labelled('cs2', 'destinationHost', event.destHost),
        ],
        mapped: ['direction', 'destPort', 'destHost'],
      }
    case 'privilege_change':
      return {
        fields: [['act', event.method], ['duser', event.toUser], ...labelled('cs2', 'fromUser', event.fromUser)],
        mapped: ['method', 'toUser', 'fromUser'],
      }
    case 'posture':
      return {
        fields: [
          ['act', 'posture_checked'],
          ...labelled('cs2', 'check', event.check),
          ...labelled('cs3', 'status', event.status),
        ],
        mapped: ['check', 'status'],
      }
    case 'recorder_health':
      return {
        fields: [
          ['act', `recorder_${event.status}`],
          ['reason', event.detail],
        ],
        mapped: ['detail', 'status'],
      }
    case 'access':
      return {
        fields: [
          ['act', event.action],
          ['duser', event.actor],
          ['reason', event.reason],
          ...labelled('cs2', 'object', event.object),
        ],
        mapped: ['action', 'actor', 'reason', 'object'],
      }
  }
}

export const eventInCef = (event: SessionEvent): CefFields => {
  const { fields, mapped } = kindFields(event)
  const rest = Object.entries(ownFields(event)).filter(([name]) => !mapped.includes(name))
  return [
    ['cat', event.kind],
    ...cefSource(event.sourceIp),
    ['spt', event.sourcePort],
    ['suser', event.user],
    ['dvchost', event.bastion],
    ['dhost', event.target ?? event.bastion],
    ['outcome', outcomeOf(event)],
    ...fields,
    ...labelled('cs1', 'sessionId', event.sessionId),
    ...labelled('cs5', 'details', rest.length > 0 ? JSON.stringify(Object.fromEntries(rest)) : null),
    ['msg', sentence(event)],
  ]
}
