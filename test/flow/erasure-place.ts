import { join } from 'node:path'
import { Registry } from 'prom-client'
import { type Backends, openBackends } from '#services/backends.ts'
import { systemClock } from '#services/clock.ts'
import { Config, loadConfig } from '#services/config.ts'
import { createLogger } from '#services/log.ts'
import type { Role } from '#services/schema/access.ts'
import { EndReason } from '#services/schema/generated/frame_batch_pb.ts'
import type { Session } from '#services/schema/session.ts'
import type { Services } from '#test/helpers/cluster.ts'
import { clusterEnv } from '#test/helpers/cluster-product.ts'
import { exec, recordedSession, shown, typed } from '#test/helpers/recorded-session.ts'
import { until } from '#test/helpers/until.ts'
import { openAccess } from '../../cli/access.ts'
import { serve } from '../../cli/serve.ts'
import { custodyStage } from '../../cli/stages/custody.ts'
import { detectorsStage } from '../../cli/stages/detectors.ts'
import { ingestStage } from '../../cli/stages/ingest.ts'
import { viewerStage } from '../../cli/stages/viewer.ts'

/** What a session holds in each place; none of it may be found after its erasure. */
export const markers = ['qzwtyped7x', 'qzwprinted7x', 'qzwargv7x', 'qzwfile7x', 'qzwdead7x', 'qzwq7x'] as const

/** Everything but agents and destinations, on one folder, or on engines. */
export const openErasurePlace = async (folder: string, engines: Services | null = null) => {
  const log = createLogger('erasure', 'silent')
  const data = join(folder, 'data')
  const given = loadConfig(undefined, engines ? await clusterEnv(data, engines) : {})
  const config = Config.parse({ ...given, data, bastion: 'jump1', http: { port: 0 } })
  const backends: Backends = await openBackends(config, systemClock, log)
  const shared = { config, backends, clock: systemClock, log, registry: new Registry(), ready: () => true }
  const options = { ...shared, access: openAccess(shared) }
  const [ingest, detectors, custodian] = [
    await ingestStage(options),
    await detectorsStage(options),
    await custodyStage(options),
  ]
  const viewer = viewerStage(options, () => 'http://localhost', custodian.changed)
  const served = await serve(config, log, [viewer.router])

  const ask = async (name: string, role: Role, path: string, body?: object) => {
    const { secret } = await options.access.tokens.create({ role, name, actor: 'test' })
    const headers = { authorization: `Bearer ${secret}`, 'content-type': 'application/json' }
    const response = await fetch(`http://127.0.0.1:${served.httpPort}${path}`, {
      headers,
      ...(body && { method: 'POST', body: JSON.stringify(body) }),
    })
    const text = await response.text()
    return { status: response.status, body: (text ? JSON.parse(text) : {}) as { code?: string; id?: string } }
  }
  const drain = async (): Promise<void> => {
    await detectors.drain()
    await ingest.drain()
  }
  const sealed = async (id: string): Promise<Session> => {
    let found: Session | null = null
    await until(
      async () => {
        await drain()
        found = await backends.catalog.session(id)
        return found?.evidence === 'sealed' && found.commandCount > 0
      },
      { limitMs: 60_000, what: 'sealed and indexed' },
    )
    return found!
  }
  /** Typed, printed, in arguments and in a file's name, in an alert that quotes it, and in what was put aside. */
  const record = async (): Promise<string> => {
    const [typedMark, printed, argv, file, dead, quote] = markers
    const session = recordedSession({ user: 'alice', argv: ['-bash'] }, Date.now() - 120_000)
    const { sessionId } = session
    const line = `sudo cat ${typedMark}`
    const keys = [...line].flatMap((key) => [typed(key), shown(key)])
    const batches = [
      session.first(shown('$ '), ...keys, typed('\r'), exec('cat', argv), shown(`\r\n${printed}\r\n$ `)),
      session.end(EndReason.EXIT),
    ]
    const event = (n: number, more: object) => ({
      ...{ id: `${sessionId}-${n}`, at: new Date(Date.now() - 60_000 + n).toISOString(), source: 'agent' },
      ...{ bastion: 'jump1', user: 'alice', sourceIp: '203.0.113.9', sessionId, outcome: 'success', ...more },
    })
    const sudoers = ['sudo', 'tee', `/etc/sudoers.d/${quote}`]
    const events = [
      event(1, { kind: 'session_started', protocol: 'ssh', tty: true }),
      event(2, { kind: 'command', argv: sudoers, line: sudoers.join(' '), via: 'exec', runAs: 'root', atMs: 500 }),
      event(3, { kind: 'file_transfer', direction: 'upload', sizeBytes: 10, path: `/tmp/${file}` }),
    ]
    const json = (value: object) => Buffer.from(JSON.stringify(value))
    const aside = json({ ...event(4, { kind: 'no such kind' }), what: dead })
    await backends.bus.produce([
      ...batches.map((value) => ({ topic: 'session-frames' as const, key: sessionId, value })),
      ...events.map((one) => ({ topic: 'session-events' as const, key: 'jump1', value: json(one) })),
      { topic: 'session-events', key: 'jump1', value: aside },
    ])
    await sealed(sessionId)
    return sessionId
  }
  let closing: Promise<void> | undefined
  const close = async (): Promise<void> => {
    served.close()
    await Promise.all([viewer.close(), custodian.close(), detectors.close(), ingest.close()])
    await backends.close()
  }
  return {
    ...{ backends, data, config, ask, drain, record, sealed, round: custodian.changed },
    /** Twice is once. */
    close: (): Promise<void> => {
      closing ??= close()
      return closing
    },
  }
}
export type ErasurePlace = Awaited<ReturnType<typeof openErasurePlace>>
