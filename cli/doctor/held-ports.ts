import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { addressColumns, parseRow } from '#hooks/sudo/proc-net-tcp.ts'
import { systemCode } from '#services/disk-error.ts'
import type { Finding } from '#services/finding.ts'
import { type Check, fine, notChecked, wrong } from './check.ts'

const unitsFolder = '/usr/lib/systemd/system'
const units = ['bartizan-agent.socket', 'bartizan-agent-standby.socket', 'bartizan-record.socket']
const listening = '0A' // tcp_states.h

/** User whose socket listens there; null: nobody listens. */
const listenerOf = async (address: string, port: number): Promise<number | null> => {
  const columns = addressColumns({ address, port }, { address: '0.0.0.0', port: 0 })?.tcp
  const table = await readFile('/proc/net/tcp', 'latin1')
  const line = table.split('\n').find((each) => columns && each.includes(` ${columns} `))
  const row = line === undefined ? null : parseRow(line.slice(line.indexOf(` ${columns} `) + columns!.length + 2))
  return row?.state === listening ? row.uid : null
}

const addressIn = (unit: string): { address: string; port: number } | null => {
  const [, address, port] = /^ListenStream=([0-9.]{7,15}):([0-9]{1,5})$/m.exec(unit) ?? []
  return address && port ? { address, port: Number(port) } : null
}

const lookAt = async (folder: string, name: string): Promise<Finding | null> => {
  const unit = await readFile(join(folder, name), 'utf8').catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') return null
    throw error
  })
  const at = unit === null ? null : addressIn(unit)
  if (at === null) return null
  const check = `held port ${at.port}`
  const owner = await listenerOf(at.address, at.port)
  const fix = `systemctl stop bartizan-agent && systemctl restart ${name} && systemctl start bartizan-agent`
  if (owner === 0) return fine(check, `${name} holds ${at.address}:${at.port}`)
  if (owner === null) return wrong(check, `nobody holds ${at.address}:${at.port}: any user may take it`, fix)
  return wrong(check, `${at.address}:${at.port} is held by user ${owner}, and not by systemd (${name})`, fix)
}

/** `folder`: where the package's units are. */
export const inspectHeldPorts = async (folder = unitsFolder): Promise<Finding[]> => {
  const found = (await Promise.all(units.map((name) => lookAt(folder, name)))).filter((each) => each !== null)
  return found.length > 0 ? found : [notChecked('held ports', 'the package of the agent is not installed here')]
}

/** Whether systemd keeps the agent's ports from other users of this machine, also while no agent runs. */
export const heldPorts: Check = { name: 'held ports', run: () => inspectHeldPorts() }
