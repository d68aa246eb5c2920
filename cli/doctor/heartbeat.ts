import { z } from 'zod'
import type { Finding } from '#services/finding.ts'
import { callInstance } from '../instance.ts'
import { type Check, fine, notChecked, wrong } from './check.ts'
import { endpointsOf } from './running.ts'

const name = 'agent heartbeat'
const maxSilenceMs = 10 * 60_000 // it says how it is every 4 minutes

const Health = z.object({
  items: z.array(
    z.looseObject({ at: z.iso.datetime({ offset: true }), status: z.string(), detail: z.string().nullable() }),
  ),
})

type Said = z.infer<typeof Health>['items'][number]

const judge = (last: Said, nowMs: number): Finding => {
  const text = `last heard ${last.at}: ${last.status}${last.detail === null ? '' : `, ${last.detail}`}`
  const isSilent = nowMs - Date.parse(last.at) > maxSilenceMs
  if (!isSilent && last.status === 'ok') return fine(name, text)
  return wrong(
    name,
    text,
    'see whether the agent runs, reaches the receiver (uplink.url) with a good token, and whether ingest keeps up (/metrics); its log says more',
  )
}

/** What the agent last said of itself, as the console knows it: all the way through receiver, bus and index. */
export const heartbeat: Check = {
  name,
  run: async ({ config, clock }) => {
    if ((await endpointsOf(config.data)) === null)
      return [notChecked(name, 'the console that would know does not run here')]
    const path = `/api/events?kind=recorder_health&bastion=${encodeURIComponent(config.bastion)}&limit=1`
    const [last] = Health.parse(await callInstance(config, 'GET', path)).items
    if (last) return [judge(last, clock.now())]
    if (config.backend === 'cluster') return [notChecked(name, 'the bastions have their own agents')]
    return [wrong(name, `nothing was heard of ${config.bastion}`, 'see whether the agent runs, and what its log says')]
  },
}
