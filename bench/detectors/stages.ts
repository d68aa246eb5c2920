import { Registry } from 'prom-client'
import { openBackends } from '#services/backends.ts'
import { systemClock } from '#services/clock.ts'
import { loadConfig } from '#services/config.ts'
import { createLogger } from '#services/log.ts'
import { openAccess } from '../../cli/access.ts'
import { serve } from '../../cli/serve.ts'
import { detectorsStage } from '../../cli/stages/detectors.ts'
import { ingestStage } from '../../cli/stages/ingest.ts'
import { receiverStage } from '../../cli/stages/receiver.ts'
import { viewerStage } from '../../cli/stages/viewer.ts'

export const token = 'btz-bench-admin-token-of-32-characters-or-more'

/** From the receiver to the console in this process, so that its bus can be listened to. */
export const startStages = async (data: string, env: Record<string, string>) => {
  process.env.BARTIZAN_ADMIN_TOKEN = token
  const config = loadConfig(undefined, { BARTIZAN_HTTP_PORT: '0', ...env, BARTIZAN_DATA: data })
  const log = createLogger('bench', 'warn')
  const backends = await openBackends(config, systemClock, log)
  const access = openAccess({ config, backends, clock: systemClock })
  const registry = new Registry()
  const options = { config, backends, access, clock: systemClock, log, registry, ready: () => true }
  const [receiver, viewer] = [receiverStage(options), viewerStage(options, () => 'http://127.0.0.1')]
  const served = await serve(config, log, [receiver.router, viewer.router])
  const [ingest, detectors] = [await ingestStage(options), await detectorsStage(options)]
  return {
    bus: backends.bus,
    url: `http://127.0.0.1:${served.httpPort}`,
    stop: async () => {
      served.close()
      await Promise.all([receiver.close(), viewer.close(), ingest.close(), detectors.close()])
      await backends.close()
    },
  }
}
export type Stages = Awaited<ReturnType<typeof startStages>>
