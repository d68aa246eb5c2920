import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createBrowserSessions } from '#services/access/browser-sessions.ts'
import { createLoginLinks } from '#services/access/login-links.ts'
import { createTokens, type Tokens } from '#services/access/tokens.ts'
import { createEnrolments } from '#services/agents/enrolments.ts'
import type { Backends } from '#services/backends.ts'
import type { Clock } from '#services/clock.ts'
import type { Config } from '#services/config.ts'
import { writeFileDurably } from '#services/durable-file.ts'
import { ownerTokenFile } from './instance.ts'

type AccessOptions = { config: Config; backends: Pick<Backends, 'state'>; clock: Clock }

export const openAccess = ({ config, backends: { state }, clock }: AccessOptions) => ({
  tokens: createTokens({ state, clock, adminToken: process.env.BARTIZAN_ADMIN_TOKEN }),
  loginLinks: createLoginLinks({ state, clock, minutes: config.viewer.loginLinkMinutes }),
  enrolments: createEnrolments({ state, clock }),
  browserSessions: createBrowserSessions({ state, clock, hours: config.viewer.sessionHours }),
})
export type Access = ReturnType<typeof openAccess>

/** A token kept in a file of the data folder: made at the first start, and again when it is good no longer. */
const keepToken = async (tokens: Tokens, file: string, token: Parameters<Tokens['create']>[0]): Promise<void> => {
  const present = (await readFile(file, 'utf8').catch(() => '')).trim()
  if (present && (await tokens.verify(present))) return
  const { secret } = await tokens.create(token)
  await writeFileDurably(file, `${secret}\n`)
}

/** Lets the owner of the data folder administer: `bartizan token`, `bartizan login`. */
export const keepOwnerToken = ({ tokens }: Access, { data }: Config): Promise<void> =>
  keepToken(tokens, ownerTokenFile(data), { role: 'admin', name: 'owner', actor: 'bartizan' })

/** Lets the agent of this data folder send. */
export const keepAgentToken = ({ tokens }: Access, { data, bastion }: Config): Promise<void> =>
  keepToken(tokens, join(data, 'agent', 'token'), {
    role: 'ingest',
    name: `agent on ${bastion}`,
    bastion,
    actor: 'bartizan',
  })

/** A one-time link for the owner's browser. */
export const ownerLink = async ({ loginLinks }: Access, publicUrl: string): Promise<string> => {
  const { code } = await loginLinks.issue({ name: 'owner', role: 'admin', actor: 'bartizan' })
  return `${publicUrl}/sign-in#${code}`
}
