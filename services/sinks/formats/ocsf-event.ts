import { basename } from 'node:path/posix'
import type { EventKind, SessionEvent } from '../../schema/session-event.ts'
import { outcomeOf, ownFields } from './item-facts.ts'
import type { Fields } from './json-line.ts'
import type { OcsfPart } from './ocsf.ts'
import { actor, device, endpoint, file, session, status, user } from './ocsf-objects.ts'
import { sentence } from './wording.ts'

/** `mapped`: fields of the kind that stand in the class and are not repeated in `unmapped`. */
type KindPart = OcsfPart & { mapped?: string[] }
type Of<K extends EventKind> = Extract<SessionEvent, { kind: K }>

const remote = (event: SessionEvent): Fields => ({
  src_endpoint: endpoint(event.sourceIp, event.sourcePort),
  dst_endpoint: endpoint(event.bastion),
})

const certificate = (event: Of<'login'>): Fields | null =>
  event.certCa && event.certSerial
    ? { issuer: event.certCa, serial_number: event.certSerial, subject: event.certId }
    : null

const logon = (event: Of<'login'> | Of<'login_failed'>): KindPart => ({
  classUid: 3002,
  className: 'Authentication',
  activityId: 1,
  activityName: 'Logon',
  rest: {
    ...remote(event),
    user: user(event.user),
    session: session(event.sessionId),
    service: { name: 'sshd' },
    logon_type_id: 10, // remote interactive
    is_remote: true,
    auth_protocol_id: 99,
    auth_protocol: `SSH ${event.method ?? 'unknown method'}`,
    ...(event.kind === 'login'
      ? { is_mfa: event.mfa, certificate: certificate(event) }
      : { status_detail: event.reason ?? 'unknown' }),
  },
  mapped: ['mfa', 'reason'],
})

const accountSwitch = (event: Of<'privilege_change'>): KindPart => ({
  classUid: 3002,
  className: 'Authentication',
  activityId: 7,
  activityName: 'Account Switch',
  rest: {
    ...remote(event),
    actor: { user: user(event.fromUser ?? event.user), session: session(event.sessionId) },
    user: user(event.toUser),
    service: { name: event.method },
    account_switch_type_id: 1, // substitute user
  },
  mapped: ['fromUser', 'toUser', 'method'],
})

/** An RDP, SQL or other session is network activity; sshd's is SSH activity. */
const networkSession = (event: Of<'session_started'> | Of<'session_ended'>, activity: [number, string]): KindPart => {
  const protocol = event.kind === 'session_started' ? event.protocol.toLowerCase() : 'ssh'
  const [activityId, activityName] = activity
  return {
    classUid: protocol === 'ssh' ? 4007 : 4001,
    className: protocol === 'ssh' ? 'SSH Activity' : 'Network Activity',
    activityId,
    activityName,
    profiles: ['host'],
    rest: { ...remote(event), actor: actor(event), device: device(event.bastion), app_protocol_name: protocol },
    mapped: ['protocol'],
  }
}

const sessionEnded = (event: Of<'session_ended'>): KindPart => {
  const part = networkSession(event, [2, 'Close'])
  const traffic = { bytes: event.inBytes + event.outBytes, bytes_in: event.inBytes, bytes_out: event.outBytes }
  const end = Date.parse(event.at)
  const duration = Math.round(event.durationMs)
  return {
    ...part,
    rest: { ...part.rest, traffic, duration, start_time: end - duration, end_time: end },
    mapped: ['durationMs', 'inBytes', 'outBytes'],
  }
}

const command = (event: Of<'command'>): KindPart => ({
  classUid: 1007,
  className: 'Process Activity',
  activityId: 1,
  activityName: 'Launch',
  rest: {
    actor: actor(event),
    device: device(event.bastion),
    process: {
      uid: event.id, // a process id would say nothing by the time it is read
      name: event.argv[0] === undefined ? null : basename(event.argv[0]),
      cmd_line: event.line || event.argv.join(' '),
      user: user(event.runAs ?? event.user),
    },
    exit_code: event.exitCode,
    launch_type_id: event.via === 'exec' ? 3 : 0,
  },
  mapped: ['argv', 'line', 'runAs', 'exitCode'],
})

/** File Hosting needs an address to have come from; without one it is File System Activity. */
const fileTransfer = (event: Of<'file_transfer'>): KindPart => {
  const isDownload = event.direction === 'download'
  const size = (event.fileCount ?? 1) === 1 ? event.sizeBytes : null
  const rest = { actor: actor(event), device: device(event.bastion), file: file(event.path, size, event.sha256) }
  const mapped = ['path', 'sha256']
  if (!event.sourceIp)
    return {
      classUid: 1001,
      className: 'File System Activity',
      activityId: isDownload ? 2 : 1,
      activityName: isDownload ? 'Read' : 'Create',
      rest,
      mapped,
    }
  return {
    classUid: 6006,
    className: 'File Hosting Activity',
    activityId: isDownload ? 2 : 1,
    activityName: isDownload ? 'Download' : 'Upload',
    profiles: ['host'],
    rest: { ...rest, ...remote(event) },
    mapped,
  }
}

const portForward = (event: Of<'port_forward'>): KindPart => ({
  classUid: 4014,
  className: 'Tunnel Activity',
  activityId: 1,
  activityName: 'Open',
  rest: {
    src_endpoint: endpoint(event.sourceIp, event.sourcePort),
    dst_endpoint: endpoint(event.destHost, event.destPort),
    device: device(event.bastion),
    session: session(event.sessionId),
    user: user(event.user),
    tunnel_type_id: 99,
    tunnel_type: `SSH ${event.direction} forward`,
    protocol_name: 'ssh',
  },
  mapped: ['direction', 'destHost', 'destPort'],
})

const postureStatus = { ok: 1, warn: 2, fail: 3 } as const
const posture = (event: Of<'posture'>): KindPart => ({
  classUid: 2003,
  className: 'Compliance Finding',
  activityId: 1,
  activityName: 'Create',
  rest: {
    finding_info: { uid: event.id, title: `${event.check} on ${event.bastion}` },
    compliance: { control: event.check, status_id: postureStatus[event.status] },
    device: device(event.bastion),
    resources: event.user ? [{ type: 'user', name: event.user }] : [],
  },
  mapped: ['check', 'status'],
})

const healthActivity = { ok: [99, 'Heartbeat'], stopped: [4, 'Stop'], killed: [4, 'Stop'], tampered: [99, 'Tampered'] }
const recorderHealth = (event: Of<'recorder_health'>): KindPart => {
  const [activityId, activityName] = healthActivity[event.status] as [number, string]
  return {
    classUid: 6002,
    className: 'Application Lifecycle',
    activityId,
    activityName,
    profiles: ['host'],
    rest: {
      app: { name: 'Bartizan agent', vendor_name: 'Bartizan', uid: event.agent },
      device: device(event.bastion),
      status_detail: event.detail,
    },
    mapped: ['agent', 'detail'],
  }
}

const accessActivities: [RegExp, number, string][] = [
  [/create|add|enrol|start/i, 1, 'Create'],
  [/view|replay|export|search|list|read|get/i, 2, 'Read'],
  [/delete|remove|revoke|erase|terminate/i, 4, 'Delete'],
]
const access = (event: Of<'access'>): KindPart => {
  const [, activityId, activityName] = accessActivities.find(([action]) => action.test(event.action)) ?? [
    0,
    3,
    'Update',
  ]
  return {
    classUid: 6003,
    className: 'API Activity',
    activityId,
    activityName,
    rest: {
      actor: { user: user(event.actor) },
      api: { operation: event.action, service: { name: 'Bartizan' } },
      // Without an address it was asked on the machine itself.
      src_endpoint: endpoint(event.sourceIp, event.sourcePort) ?? endpoint(event.bastion),
      resources: event.object ? [{ name: event.object }] : [],
    },
    mapped: ['actor', 'action', 'object'],
  }
}

const kindPart = (event: SessionEvent): KindPart => {
  switch (event.kind) {
    case 'login':
    case 'login_failed':
      return logon(event)
    case 'session_started':
      return networkSession(event, [1, 'Open'])
    case 'session_ended':
      return sessionEnded(event)
    case 'command':
      return command(event)
    case 'file_transfer':
      return fileTransfer(event)
    case 'port_forward':
      return portForward(event)
    case 'privilege_change':
      return accountSwitch(event)
    case 'posture':
      return posture(event)
    case 'recorder_health':
      return recorderHealth(event)
    case 'access':
      return access(event)
  }
}

export const eventInOcsf = (event: SessionEvent, consoleLink: string | null): OcsfPart => {
  const { mapped = [], rest, ...of } = kindPart(event)
  const own = Object.entries(ownFields(event)).filter(([name]) => !mapped.includes(name))
  const isFinding = of.classUid === 2003 // whose status_id counts the life of a finding, not an outcome
  const unmapped = {
    kind: event.kind,
    bastion: event.bastion,
    sessionId: event.sessionId,
    target: event.target,
    agentSeq: event.agentSeq,
    prevHash: event.prevHash,
    consoleUrl: consoleLink,
    ...Object.fromEntries(own),
  }
  return {
    ...of,
    rest: { message: sentence(event), ...(isFinding ? { status_id: 1 } : status(outcomeOf(event))), ...rest, unmapped },
  }
}
