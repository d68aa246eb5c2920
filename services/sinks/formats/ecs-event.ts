import { basename } from 'node:path/posix'
import type { EventKind, SessionEvent } from '../../schema/session-event.ts'
import type { EcsPart } from './ecs.ts'
import { ecsEndpoint, ecsRelated } from './ecs-related.ts'
import { outcomeOf, ownFields } from './item-facts.ts'
import type { Fields } from './json-line.ts'
import { sentence } from './wording.ts'

/** `mapped`: fields of this kind that have their place in ECS and are not repeated below `bartizan`. */
type KindPart = { event: Fields; rest?: Fields; mapped?: string[] }
type Of<K extends EventKind> = Extract<SessionEvent, { kind: K }>

const nanoseconds = (milliseconds: number): number => Math.round(milliseconds * 1e6)

const sessionEnded = (event: Of<'session_ended'>): KindPart => ({
  event: {
    category: ['session'],
    type: ['end'],
    action: 'session_ended',
    duration: nanoseconds(event.durationMs),
    start: new Date(Date.parse(event.at) - event.durationMs).toISOString(),
    end: event.at,
  },
  rest: {
    network: { bytes: event.inBytes + event.outBytes },
    destination: { bytes: event.outBytes },
    process: { exit_code: event.exitCode },
  },
  mapped: ['durationMs', 'inBytes', 'outBytes', 'exitCode'],
})

const command = (event: Of<'command'>): KindPart => ({
  event: {
    category: ['process'],
    type: ['start'],
    action: event.via === 'exec' ? 'command_executed' : 'command_typed',
  },
  rest: {
    process: {
      name: event.argv[0] === undefined ? null : basename(event.argv[0]),
      args: event.argv,
      args_count: event.argv.length > 0 ? event.argv.length : null,
      command_line: event.line,
      exit_code: event.exitCode,
    },
    user: { name: event.user, effective: { name: event.runAs } },
  },
  mapped: ['argv', 'line', 'runAs', 'exitCode'],
})

const fileTransfer = (event: Of<'file_transfer'>): KindPart => ({
  event: {
    category: ['file'],
    type: [event.direction === 'download' ? 'access' : 'creation'],
    action: event.direction === 'download' ? 'file_downloaded' : 'file_uploaded',
  },
  rest: {
    file: {
      path: event.path,
      name: event.path ? basename(event.path) : null,
      size: (event.fileCount ?? 1) === 1 ? event.sizeBytes : null, // of several, `bartizan.size_bytes` is the sum
      hash: { sha256: event.sha256 },
    },
    network: { protocol: event.protocol.toLowerCase() },
  },
  mapped: ['path', 'sha256', 'protocol'],
})

const portForward = (event: Of<'port_forward'>): KindPart => ({
  event: { category: ['network'], type: ['connection', 'start'], action: `port_forward_${event.direction}` },
  rest: { destination: ecsEndpoint(event.destHost, event.destPort) },
  mapped: ['destHost', 'destPort'],
})

const privilegeChange = (event: Of<'privilege_change'>): KindPart => ({
  event: { category: ['process'], type: ['change'], action: 'privilege_changed' },
  rest: { user: { name: event.fromUser ?? event.user, effective: { name: event.toUser } } },
  mapped: ['fromUser', 'toUser'],
})

const recorderHealth = (event: Of<'recorder_health'>): KindPart => ({
  event: {
    category: ['host'],
    type: [event.status === 'ok' ? 'info' : event.status === 'tampered' ? 'change' : 'end'],
    action: `recorder_${event.status}`,
  },
  rest: { agent: { type: 'bartizan', name: event.agent } },
  mapped: ['agent'],
})

const kindPart = (event: SessionEvent): KindPart => {
  switch (event.kind) {
    case 'login':
      return { event: { category: ['authentication', 'session'], type: ['start'], action: 'ssh_login' } }
    case 'login_failed':
      return {
        event: { category: ['authentication'], type: ['start'], action: 'ssh_login', reason: event.reason },
        mapped: ['reason'],
      }
    case 'session_started':
      return {
        event: { category: ['session'], type: ['start'], action: 'session_started' },
        rest: { network: { protocol: event.protocol.toLowerCase() }, process: { interactive: event.tty } },
        mapped: ['protocol', 'tty'],
      }
    case 'session_ended':
      return sessionEnded(event)
    case 'command':
      return command(event)
    case 'file_transfer':
      return fileTransfer(event)
    case 'port_forward':
      return portForward(event)
    case 'privilege_change':
      return privilegeChange(event)
    case 'posture':
      return { event: { kind: 'state', category: ['configuration'], type: ['info'], action: 'posture_checked' } }
    case 'recorder_health':
      return recorderHealth(event)
    case 'access':
      return {
        event: { category: ['api'], type: ['access'], action: event.action, reason: event.reason },
        rest: { user: { name: event.actor } },
        mapped: ['actor', 'action', 'reason'],
      }
  }
}

const snakeCase = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

const bartizanFields = (event: SessionEvent, mapped: string[]): Fields => {
  const own = Object.entries(ownFields(event)).filter(([name]) => !mapped.includes(name))
  return {
    kind: event.kind,
    session_id: event.sessionId,
    target: event.target,
    agent_seq: event.agentSeq,
    prev_hash: event.prevHash,
    ...Object.fromEntries(own.map(([name, value]) => [snakeCase(name), value])),
  }
}

const relatedTo = (event: SessionEvent): Fields => {
  const users = [event.user]
  if (event.kind === 'command') users.push(event.runAs)
  if (event.kind === 'privilege_change') users.push(event.fromUser, event.toUser)
  if (event.kind === 'access') users.push(event.actor)
  const ips = [event.sourceIp, event.kind === 'port_forward' ? event.destHost : null]
  const hashes = [event.kind === 'file_transfer' ? event.sha256 : null]
  return ecsRelated({ users, ips, hosts: [event.bastion, event.target], hashes })
}

export const eventInEcs = (event: SessionEvent): EcsPart => {
  const { event: of, rest, mapped = [] } = kindPart(event)
  const sent = event.kind === 'session_ended' ? { bytes: event.inBytes } : {}
  return {
    event: {
      kind: 'event',
      ...of,
      outcome: outcomeOf(event),
      dataset: 'bartizan.events',
      provider: event.source,
      ...(event.receivedAt ? { created: event.receivedAt } : {}),
    },
    rest: {
      message: sentence(event),
      source: { ...ecsEndpoint(event.sourceIp, event.sourcePort), ...sent },
      user: { name: event.user },
      ...rest,
      related: relatedTo(event),
      bartizan: bartizanFields(event, mapped),
    },
  }
}
