import type { SshdEvent, SshdLog, SshdLogCounts, SshdLogOptions } from './api.ts'
import type { AuthFact } from './auth-facts.ts'
import { createConnections } from './connections.ts'
import { releaseConnection } from './endings.ts'
import { bare, type Fact, readFact } from './facts.ts'
import { type Header, readTextHeader } from './header.ts'
import { readJsonHeader } from './json-header.ts'
import { createLineIds } from './line-ids.ts'
import { maxLineBytes } from './line-source.ts'
import { createLineTimes } from './line-time.ts'
import { localProgram, readLocal } from './local-facts.ts'
import { createLocalSessions } from './local-sessions.ts'
import { onAuth } from './on-auth.ts'
import { onConnection, onForward } from './on-connection.ts'
import { onLocal } from './on-local.ts'
import { onSftp } from './on-sftp.ts'
import { createRepetitions, unfold } from './repetitions.ts'
import { pidKey, type Scene } from './scene.ts'
import { readSecondFactor } from './second-factor.ts'
import { createSecondFactors } from './second-factors.ts'
import { readSftp } from './sftp-facts.ts'
import { createSftpServers } from './sftp-servers.ts'
import type { SshdLogState } from './state.ts'
import { createTimeText } from './written-time.ts'

export type { SshdEvent, SshdLog, SshdLogCounts, SshdLogOptions } from './api.ts'

const maxRepeats = 10_000
const none: SshdEvent[] = []
const empty: SshdLogState = {
  version: 1,
  lastMs: null,
  connections: [],
  sftpServers: [],
  sftpStarts: [],
  repeats: [],
  before: null,
  secondFactors: [],
  locals: [],
  stays: [],
}

const authTypes = ['invalidUser', 'pamFailure', 'turnedAway', 'accountPhase', 'pamRefused', 'keyAccepted', 'keyRefused']
const isAuth = (fact: Fact): fact is AuthFact => 'method' in fact || authTypes.includes(fact.type)

/**
 * Reads sshd's log, line by line, whatever wrote it down. Knows no time but that of the lines.
 * @throws RangeError: no such zone
 */
export const createSshdLog = ({ bastion, snapshot = empty, ...when }: SshdLogOptions): SshdLog => {
  const repetitions = createRepetitions(snapshot.before)
  const times = createLineTimes({ ...when, lastMs: snapshot.lastMs })
  const ids = createLineIds(bastion, snapshot.repeats)
  const connections = createConnections(snapshot.connections)
  const sftpServers = createSftpServers(snapshot)
  const secondFactors = createSecondFactors(snapshot.secondFactors)
  const localSessions = createLocalSessions(snapshot)
  const timeText = createTimeText()
  const counts: SshdLogCounts = { lines: 0, sshdLines: 0, events: 0, cut: 0, undated: 0, unexpanded: 0 }

  // One for all lines: most give no event, and need neither a time as text nor an id.
  let line = ''
  let nth = -1
  let part = 0
  const scene: Scene = {
    bastion,
    host: '',
    pid: '',
    preauth: false,
    nowMs: 0,
    get at() {
      return timeText(scene.nowMs)
    },
    nextId: () => {
      if (nth < 0) nth = ids.nth(line, scene.nowMs)
      return ids.of(line, nth, part++)
    },
    connections,
    sftpServers,
    secondFactors,
    localSessions,
    events: none,
  }

  const onSshd = (message: string, privileged: boolean): void => {
    const words = bare(message)
    scene.preauth = words.preauth
    const fact = readFact(words, connections.ofPid(scene.pid), privileged)
    if (fact === null) return
    if (fact.type === 'secondFactor')
      secondFactors.note(scene.host, fact.user, fact.denied ? 'mfa_denied' : null, scene.nowMs)
    else if (fact.type === 'forward') onForward(scene, fact)
    else if (isAuth(fact)) onAuth(scene, fact)
    else onConnection(scene, fact)
  }

  const onMessage = ({ program, privileged }: Header, message: string): void => {
    if (program.startsWith('sshd(')) {
      const fact = privileged ? readSecondFactor(message) : null
      if (fact) secondFactors.note(scene.host, fact.user, fact.denied ? 'mfa_denied' : null, scene.nowMs)
    } else if (program.startsWith('sshd')) onSshd(message, privileged)
    else if (localProgram(program) !== null) {
      const fact = privileged ? readLocal(localProgram(program)!, message) : null
      if (fact) onLocal(scene, fact)
    } else {
      const fact = readSftp(message)
      if (fact) onSftp(scene, fact)
    }
  }

  const onHeader = (whole: string, header: Header, nowMs: number): SshdEvent[] => {
    line = header.entry ?? whole
    nth = -1
    part = 0
    scene.host = header.host
    scene.pid = pidKey(header.host, header.pid)
    scene.nowMs = nowMs
    scene.events = []
    for (let old = connections.overdue(nowMs); old; old = connections.overdue(nowMs)) releaseConnection(scene, old)
    const { message, times: repeats } = unfold(header.message)
    counts.unexpanded += Math.max(0, repeats - maxRepeats)
    for (let count = Math.min(repeats, maxRepeats); count > 0; count--) onMessage(header, message)
    counts.events += scene.events.length
    return scene.events
  }

  return {
    take: (whole) => {
      counts.lines += 1
      const line = whole.length > maxLineBytes ? whole.slice(0, maxLineBytes) : whole
      if (line !== whole) counts.cut += 1
      const header = repetitions.meant(line.charCodeAt(0) === 123 ? readJsonHeader(line) : readTextHeader(line))
      if (header === null) return none
      if (localProgram(header.program) === null) counts.sshdLines += 1
      const nowMs = times.read(header.time)
      if (nowMs !== null) return onHeader(line, header, nowMs)
      counts.undated += 1
      return none
    },
    settle: (nowMs) => {
      scene.events = []
      for (const connection of connections.quiet(nowMs)) releaseConnection(scene, connection)
      counts.events += scene.events.length
      return scene.events
    },
    snapshot: () => ({
      version: 1,
      lastMs: times.lastMs(),
      connections: connections.snapshot(),
      ...sftpServers.snapshot(),
      repeats: ids.snapshot(),
      before: repetitions.snapshot(),
      secondFactors: secondFactors.snapshot(),
      ...localSessions.snapshot(),
    }),
    counts,
  }
}
