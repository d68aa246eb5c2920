import { z } from 'zod'
import type { Finding } from '#services/finding.ts'
import { agentStatusFields, statusLimits } from '#services/schema/agent-status.ts'
import { callInstance } from '../instance.ts'
import { type Check, fine, notChecked, wrong } from './check.ts'
import { endpointsOf } from './running.ts'

const name = 'agent heartbeat'
const maxSilenceMs = 10 * 60_000 // it says how it is every 4 minutes

const { clockOffsetMs, hooks, spoolShare, openSessions } = agentStatusFields
const Health = z.object({
  items: z.array(
    z.looseObject({
      at: z.iso.datetime({ offset: true }),
      source: z.string(),
      status: z.string(),
      detail: z.string().nullish(),
      clockOffsetMs: clockOffsetMs.nullish(),
      hooks: hooks.nullish(),
      spoolShare: spoolShare.nullish(),
      openSessions: openSessions.nullish(),
    }),
  ),
})
const lookedAt = 100 // others speak of the bastion too

type Said = z.infer<typeof Health>['items'][number]

const figures = ({ openSessions: open, spoolShare: share }: Said): string => {
  const sessions = typeof open === 'number' ? `; ${open} open session${open === 1 ? '' : 's'}` : ''
  return `${sessions}${typeof share === 'number' ? `; spool ${Math.round(share * 100)} % full` : ''}`
}

const clock = ({ clockOffsetMs: offsetMs }: Said): Finding => {
  const check = 'agent clock'
  if (typeof offsetMs !== 'number') return notChecked(check, 'the agent has not compared it with the receiver yet')
  const text = `${(Math.abs(offsetMs) / 1_000).toFixed(3)} s ${offsetMs < 0 ? 'behind' : 'ahead of'} the receiver`
  if (Math.abs(offsetMs) <= statusLimits.clockWarnMs) return fine(check, text)
  return wrong(check, text, 'let both machines take their time from NTP (timedatectl set-ntp true)')
}

const hookFindings = ({ hooks: said }: Said): Finding[] =>
  (said ?? []).map(({ name: hook, listening, since, lastEventAt, lastError }) => {
    const check = `agent hook ${hook}`
    const last = lastEventAt === null ? 'nothing came yet' : `something came last at ${lastEventAt}`
    const why = lastError === null ? '' : `; last error: ${lastError}`
    if (listening) return fine(check, `listens; ${last}${why}`)
    return wrong(
      check,
      `does not listen since ${since}; ${last}${why}`,
      'mend what the error names; the log of the agent says more, and a restart of the agent opens its hooks again',
    )
  })

const judge = (last: Said, nowMs: number): Finding => {
  const detail = last.detail ? `, ${last.detail}` : ''
  const text = `last heard ${last.at}: ${last.status}${detail}${figures(last)}`
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
  run: async ({ config, clock: { now } }) => {
    if ((await endpointsOf(config.data)) === null)
      return [notChecked(name, 'the console that would know does not run here')]
    const path = `/api/events?kind=recorder_health&bastion=${encodeURIComponent(config.bastion)}&limit=${lookedAt}`
    const { items } = Health.parse(await callInstance(config, 'GET', path))
    const last = items.find(({ source }) => source === 'agent')
    if (last) return [judge(last, now()), clock(last), ...hookFindings(last)]
    if (config.backend === 'cluster') return [notChecked(name, 'the bastions have their own agents')]
    return [wrong(name, `nothing was heard of ${config.bastion}`, 'see whether the agent runs, and what its log says')]
  },
}
