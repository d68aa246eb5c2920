import { execFile } from 'node:child_process'
import { hostname } from 'node:os'
import { promisify } from 'node:util'
import type { SessionOpening } from '#hooks/hook.ts'
import { connectionId, parseSshConnection } from '#services/connection-id.ts'
import type { OpenRequest } from './control.ts'

const run = promisify(execFile)

/** The name of a user, also of one in a directory service (getent(1)); `#UID`, as sudo writes it, where there is none. */
export const userName = async (uid: number): Promise<string> => {
  const { stdout } = await run('getent', ['passwd', String(uid)], { timeout: 5_000 }).catch(() => ({ stdout: '' }))
  const name = stdout.slice(0, Math.max(0, stdout.indexOf(':')))
  return name === '' ? `#${uid}` : name
}

/** `user`: whose socket it was. The rest is what that user's process says. */
export const openingOf = (request: OpenRequest, user: string, startedAtMs: number): SessionOpening => {
  const connection = parseSshConnection(request.env.SSH_CONNECTION)
  return {
    hook: 'script',
    startedAtMs,
    user,
    runAs: user,
    target: hostname(),
    sourceIp: connection?.clientIp ?? null,
    sourcePort: connection?.clientPort ?? null,
    connectionId: connection && connectionId(connection),
    tty: request.tty,
    rows: request.rows,
    cols: request.cols,
    argv: request.argv,
    cwd: request.cwd,
    env: request.env,
    originalCommand: request.env.SSH_ORIGINAL_COMMAND ?? null,
    client: request.client,
  }
}
