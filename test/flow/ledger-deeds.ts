import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Account } from '#test/helpers/bastion-accounts.ts'
import { until } from '#test/helpers/until.ts'
import { type Client, type Door, recordersOf, startClient } from './ledger-clients.ts'
import type { Lab } from './ledger-lab.ts'
import { type Gap, type Kind, placeOf, type Truth } from './ledger-truth.ts'

/** Does one thing on the bastion, and says what the ledger has to make of it. `nth`: for those that come in variants. */
export type Deed = (lab: Lab, user: Account, nth: number) => Promise<Truth>

const host = ({ name }: Account): string => `${name}@127.0.0.1`

export const healthy = (kind: Kind, user: Account, place: string, sessions = 1): Truth => ({
  kind,
  place,
  user: user.name,
  states: Array.from({ length: sessions }, () => 'complete' as const),
  children: 0,
  gap: null,
  faultAtMs: Date.now(),
  dueAtMs: Date.now(),
  mayBeLate: false,
})

export const faulty = (lab: Lab, kind: Kind, user: Account, place: string, gap: Gap, faultAtMs: number): Truth => ({
  ...healthy(kind, user, place),
  states: [gap],
  gap,
  faultAtMs,
  dueAtMs: faultAtMs + lab.deadlines[gap],
})

/** @throws when the run itself, not the ledger, went wrong */
const mustEnd = async (client: Client, code: number | null): Promise<void> => {
  const ended = await client.ended
  if (ended !== code) throw new Error(`a client ended with ${ended} instead of ${code}: ${client.output()}`)
}

const runCommand = async (door: Door, user: Account, sourceIp: string, command: string, ...options: string[]) => {
  const client = startClient('ssh', door, sourceIp, ['-n', ...options, host(user), '--', command])
  await mustEnd(client, 7)
}

/** A login shell at its prompt. */
export const openShell = async (lab: Lab, user: Account, sourceIp: string): Promise<Client> => {
  const client = startClient('ssh', lab.recorded, sourceIp, ['-tt', host(user)])
  await client.waitFor(/\$ $/)
  return client
}

const shell: Deed = async (lab, user) => {
  const sourceIp = lab.newAddress()
  const client = await openShell(lab, user, sourceIp)
  client.type('echo a line; exit 7\n')
  await mustEnd(client, 7)
  return healthy('shell', user, sourceIp)
}

const command: Deed = async (lab, user, nth) => {
  const sourceIp = lab.newAddress()
  await runCommand(lab.recorded, user, sourceIp, nth % 2 === 0 ? 'exit 7' : 'seq 1000; id; exit 7')
  return healthy('command', user, sourceIp)
}

const copy: Deed = async (lab, user, nth) => {
  const sourceIp = lab.newAddress()
  const [file, batch] = [join(lab.folder, `copied-${sourceIp}`), join(lab.folder, `batch-${sourceIp}`)]
  await writeFile(file, 'copied\n'.repeat(1000))
  await writeFile(batch, `put ${file} ${sourceIp}\n`)
  const there = `${host(user)}:${sourceIp}`
  const ways = [
    ['scp', file, there],
    ['scp', '-O', file, there],
    ['sftp', '-b', batch, host(user)],
  ] as const
  const [program, ...args] = ways[nth % ways.length]!
  await mustEnd(startClient(program, lab.recorded, sourceIp, args), 0)
  return healthy('copy', user, sourceIp)
}

const sharedSessions = 3

const shared: Deed = async (lab, user, nth) => {
  const sourceIp = lab.newAddress()
  const path = join(lab.folder, sourceIp)
  const through = ['-S', path]
  const master = startClient('ssh', lab.recorded, sourceIp, ['-M', '-N', ...through, host(user)])
  await until(() => existsSync(path), { limitMs: 60_000, what: `connection of ${sourceIp}` })
  const run = () => runCommand(lab.recorded, user, sourceIp, 'sleep 0.3; exit 7', ...through)
  const sessions = Array.from({ length: sharedSessions })
  if (nth % 2 === 0) await Promise.all(sessions.map(run))
  else for (const _ of sessions) await run()
  await mustEnd(startClient('ssh', lab.recorded, sourceIp, [...through, '-O', 'exit', host(user)]), 0)
  await master.ended
  return healthy('shared connection', user, sourceIp, sharedSessions)
}

const nested: Deed = async (lab, user, nth) => {
  const sourceIp = lab.newAddress()
  const inner = 'sudo -n /usr/bin/id'
  if (nth % 2 === 0) await runCommand(lab.recorded, user, sourceIp, `${inner}; exit 7`)
  else {
    const client = await openShell(lab, user, sourceIp)
    client.type(`${inner}; exit 7\n`)
    await mustEnd(client, 7)
  }
  return { ...healthy('nested sudo', user, sourceIp), children: 1 }
}

const lossy: Deed = async (lab, user, nth) => {
  const sourceIp = lab.newAddress(nth % 4)
  await runCommand(lab.recorded, user, sourceIp, 'exit 7')
  return healthy('log lines lost', user, sourceIp)
}

const tunnel: Deed = async (lab, user, nth) => {
  const sourceIp = lab.newAddress()
  const stdio = ['-W', `127.0.0.1:${lab.recorded.port}`, host(user)]
  const isStdio = nth % 2 === 0
  const client = isStdio
    ? startClient('ssh', lab.unrecorded, sourceIp, stdio)
    : startClient('ssh', lab.recorded, sourceIp, ['-v', '-N', host(user)])
  await client.waitFor(isStdio ? 'SSH-2.0' : 'Entering interactive session')
  client.hangUp()
  await client.ended
  return faulty(lab, 'tunnel', user, sourceIp, 'tunnel_only', Date.now())
}

const unrecorded: Deed = async (lab, user, nth) => {
  const sourceIp = lab.newAddress()
  const startedAtMs = Date.now()
  if (nth % 2 === 0) await runCommand(lab.unrecorded, user, sourceIp, 'exit 7')
  else {
    const client = startClient('ssh', lab.unrecorded, sourceIp, ['-tt', host(user)])
    await client.waitFor(/\$ $/)
    client.type('exit 7\n')
    await mustEnd(client, 7)
  }
  return faulty(lab, 'no recorder', user, sourceIp, 'missing', startedAtMs)
}

const killed: Deed = async (lab, user, nth) => {
  const sourceIp = lab.newAddress()
  const started = nth % 2 === 0 ? ['-tt', host(user)] : ['-n', host(user), '--', 'echo at work; sleep 600']
  const client = startClient('ssh', lab.recorded, sourceIp, started)
  await client.waitFor(nth % 2 === 0 ? /\$ $/ : 'at work')
  const pids = await recordersOf(sourceIp)
  if (pids.length !== 1) throw new Error(`${pids.length} recorders of ${sourceIp}`)
  process.kill(pids[0]!, 'SIGKILL')
  const killedAtMs = Date.now()
  await client.ended
  return faulty(lab, 'recorder killed', user, sourceIp, 'recorder_killed', killedAtMs)
}

const sudoAtTerminal = async (lab: Lab, user: Account): Promise<string> => {
  const code = await lab.atTerminal(user, 'sudo -n /usr/bin/id')
  if (code !== 0) throw new Error(`a sudo of ${user.name} at a terminal ended with ${code}`)
  return placeOf({ sourceIp: null, user: user.name })
}

/** The recipe's rules count for its members wherever they are. */
const ofMember: Deed = async (lab, user) => healthy('sudo at a terminal', user, await sudoAtTerminal(lab, user))

const ofOutsider: Deed = async (lab) => {
  const [outsider] = lab.bastion.outsiders
  const startedAtMs = Date.now()
  return faulty(lab, 'sudo of an outsider', outsider!, await sudoAtTerminal(lab, outsider!), 'missing', startedAtMs)
}

/** Those that leave the agent and ingest alone, with how many of a hundred deeds they are. */
export const deeds: Partial<Record<Kind, { deed: Deed; weight: number; sessions: number }>> = {
  shell: { deed: shell, weight: 20, sessions: 1 },
  command: { deed: command, weight: 30, sessions: 1 },
  copy: { deed: copy, weight: 10, sessions: 1 },
  'shared connection': { deed: shared, weight: 4, sessions: sharedSessions },
  'nested sudo': { deed: nested, weight: 8, sessions: 2 },
  'log lines lost': { deed: lossy, weight: 8, sessions: 1 },
  tunnel: { deed: tunnel, weight: 6, sessions: 1 },
  'no recorder': { deed: unrecorded, weight: 8, sessions: 1 },
  'recorder killed': { deed: killed, weight: 6, sessions: 1 },
  // Once: one user at one terminal is one session for half an hour.
  'sudo at a terminal': { deed: ofMember, weight: 0, sessions: 1 },
  'sudo of an outsider': { deed: ofOutsider, weight: 0, sessions: 1 },
}
