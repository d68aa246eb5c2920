import { join } from 'node:path'
import { Registry } from 'prom-client'
import { type Backends, openBackends } from '#services/backends.ts'
import { systemClock } from '#services/clock.ts'
import { Config, loadConfig } from '#services/config.ts'
import { createLogger } from '#services/log.ts'
import type { Role } from '#services/schema/access.ts'
import { EndReason } from '#services/schema/generated/frame_batch_pb.ts'
import { backendEnv } from '#test/helpers/cluster-product.ts'
import { recordedSession, shown, typed } from '#test/helpers/recorded-session.ts'
import { type Teardown, temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { until } from '#test/helpers/until.ts'
import { openAccess } from '../../cli/access.ts'
import { serve } from '../../cli/serve.ts'
import { ingestStage } from '../../cli/stages/ingest.ts'
import { viewerStage } from '../../cli/stages/viewer.ts'

/** What only the recordings of this user hold, and nobody searches for. */
export const canaryOf = (user: string): string => `zebra7q${user}`
/** What is searched for, and stands beside it. */
export const wordOf = (user: string): string => `needle${user}`

type Settings = Partial<Pick<ReturnType<typeof Config.parse>, 'access' | 'approvals' | 'detectors'>>

/** Ingest and viewer on the embedded back ends, or with TEST_BACKEND=cluster on the engines; whoever asks has a token of the role with that name. */
export const startContentPlace = async (t: Teardown, settings: object & { [K in keyof Settings]?: object } = {}) => {
  const log = createLogger('content', 'silent')
  const data = join(await temporaryFolder(t), 'data')
  const engines = loadConfig(undefined, await backendEnv(data))
  const config = Config.parse({ ...engines, data, bastion: 'jump1', http: { port: 0 }, ...settings })
  const backends: Backends = await openBackends(config, systemClock, log)
  const shared = { config, backends, clock: systemClock, log, registry: new Registry(), ready: () => true }
  const options = { ...shared, access: openAccess(shared) }
  const ingest = await ingestStage(options)
  const viewer = viewerStage(options, () => 'http://localhost')
  const served = await serve(config, log, [viewer.router])
  t.teardown(async () => {
    served.close()
    await Promise.all([viewer.close(), ingest.close()])
    await backends.close()
  })
  const secrets = new Map<string, Promise<{ secret: string }>>()
  const secretOf = async (name: string, role: Role): Promise<string> => {
    const key = `${name} ${role}`
    secrets.set(key, secrets.get(key) ?? options.access.tokens.create({ role, name, actor: 'test' }))
    return (await secrets.get(key)!).secret
  }
  const as =
    (name: string, role: Role = 'admin') =>
    async (path: string, { headers = {}, ...init }: RequestInit & { headers?: Record<string, string> } = {}) =>
      fetch(`http://127.0.0.1:${served.httpPort}${path}`, {
        ...init,
        headers: {
          authorization: `Bearer ${await secretOf(name, role)}`,
          ...(init.body && { 'content-type': 'application/json' }),
          ...headers,
        },
      })

  /** Resolves when it is sealed and its command is found. */
  const record = async (user = 'alice'): Promise<string> => {
    const session = recordedSession({ user })
    const line = `echo ${canaryOf(user)} ${wordOf(user)}`
    const keys = [...line].flatMap((key) => [typed(key), shown(key)])
    const batches = [
      session.first(shown('$ '), ...keys, typed('\r'), shown(`\r\n${canaryOf(user)} ${wordOf(user)}\r\n$ `)),
      session.end(EndReason.EXIT),
    ]
    const topic = 'session-frames' as const
    await backends.bus.produce(batches.map((value) => ({ topic, key: session.sessionId, value })))
    const isReady = async () => {
      await ingest.drain()
      const found = await backends.catalog.session(session.sessionId)
      return found?.evidence === 'sealed' && found.commandCount > 0
    }
    await until(isReady, { limitMs: 30_000, what: 'sealed and indexed' })
    return session.sessionId
  }
  return { as, record, backends, drain: ingest.drain, data, secretOf, httpPort: served.httpPort }
}
