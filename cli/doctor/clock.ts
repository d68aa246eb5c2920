import type { Finding } from '#services/finding.ts'
import { type Check, fine, notChecked, wrong } from './check.ts'
import { isEnrolled } from './running.ts'

const maxSkewMs = 60_000
const askMs = 3_000

/** `theirs`: a Date header, cut to whole seconds. Times in Unix ms of this clock. */
export const judgeClock = (check: string, theirs: string | null, sentMs: number, receivedMs: number): Finding => {
  const theirMs = Date.parse(theirs ?? '')
  if (Number.isNaN(theirMs)) return notChecked(check, 'it answers without its time')
  const skewMs = sentMs > theirMs + 999 ? sentMs - theirMs - 999 : Math.min(0, receivedMs - theirMs)
  const text = `${Math.abs(Math.round(skewMs / 1000))} s ${skewMs > 0 ? 'ahead' : 'behind'}`
  if (Math.abs(skewMs) <= maxSkewMs)
    return fine(check, Math.abs(skewMs) < 1000 ? 'the same time' : `this clock is ${text}`)
  return wrong(check, `this clock is ${text}`, 'let both machines take their time from NTP (timedatectl set-ntp true)')
}

const compare = async (check: string, url: string, now: () => number): Promise<Finding> => {
  const sentMs = now()
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(askMs), redirect: 'manual' })
    await answer.body?.cancel()
    return judgeClock(check, answer.headers.get('date'), sentMs, now())
  } catch (error) {
    const reason = ((error as Error).cause as Error | undefined)?.message ?? (error as Error).message
    return wrong(check, `${url} does not answer: ${reason}`, 'start it, or mend the address in the configuration')
  }
}

/** Against the receiver: who judges when something happened has to agree with who says so. Engines look at their own. */
export const clocks: Check = {
  name: 'clock of the receiver',
  run: async ({ config: { data, uplink }, clock }) => {
    const check = 'clock of the receiver'
    if (uplink.url === undefined && isEnrolled(data)) return [] // looked at with its certificate
    if (uplink.url === undefined) return [notChecked(check, 'the receiver is on this machine')]
    return [await compare(check, new URL('/healthz', uplink.url).href, clock.now)]
  },
}
