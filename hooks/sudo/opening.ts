import type { Origin, SessionOpening } from '#hooks/hook.ts'
import { connectionId, parseSshConnection } from '#services/connection-id.ts'
import { BartizanError } from '#services/errors.ts'
import type { CommandInfo } from './command-info.ts'

export const originOf = (info: CommandInfo): Origin => {
  const connection = parseSshConnection(info.env.SSH_CONNECTION)
  return {
    user: info.submitUser ?? 'unknown',
    runAs: info.runUser,
    target: info.submitHost,
    sourceIp: connection?.clientIp ?? null,
    sourcePort: connection?.clientPort ?? null,
    connectionId: connection && connectionId(connection),
  }
}

/** @throws BTZ_SUDO_PROTOCOL when the accept does not say who runs what */
export const openingOf = (info: CommandInfo, client: string, startedAtMs: number): SessionOpening => {
  if (info.submitUser === null) throw new BartizanError('BTZ_SUDO_PROTOCOL', 'an accept without submituser')
  if (info.command === null) throw new BartizanError('BTZ_SUDO_PROTOCOL', 'an accept without command')
  return {
    hook: 'sudo',
    startedAtMs,
    ...originOf(info),
    tty: info.tty,
    rows: info.rows,
    cols: info.cols,
    argv: info.argv.length > 0 ? info.argv : [info.command],
    cwd: info.cwd,
    env: info.env,
    originalCommand: info.env.SSH_ORIGINAL_COMMAND ?? null,
    client,
  }
}
