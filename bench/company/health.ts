import { type Context, noteBenign } from './context.ts'
import type { Random } from './random.ts'
import { dayMs, minuteMs } from './zone.ts'

const stepMs = 5 * minuteMs
type Beat = { at: number; status: string | null; detail: string | null } // status null: sent, but lost on the way

/** Heartbeats of every recorder, planned breaks and upgrades; planted breaks come from `world.windows` too. */
export const createHealth = (context: Context, random: Random) => {
  const { world, emit } = context
  const sequences = new Map(world.bastions.map(({ name }) => [name, random.int(1000, 900_000)]))
  const offsets = new Map(world.bastions.map(({ name }) => [name, random.int(0, stepMs - 1)]))

  const lose = (bastion: string, at: number): Beat[] => {
    const beats = random.chance(0.06) ? 2 : 1
    noteBenign(
      context,
      { rule: 'recording-gap', class: beats > 1 ? 'two-beats-lost' : 'beat-lost', bastion },
      [],
      [at - stepMs, at + stepMs * beats],
    )
    return Array.from({ length: beats }, (_, i) => ({ at: at + i * stepMs, status: null, detail: null }))
  }
  const upgrade = (bastion: string, at: number): Beat[] => {
    const back = at + 20_000 + random.int(15_000, 110_000)
    noteBenign(context, { rule: 'recording-gap', class: 'agent-upgrade', bastion }, [], [at, back])
    return [
      { at: at + 20_000, status: 'stopped', detail: 'package upgrade' },
      { at: back, status: 'ok', detail: 'started' },
    ]
  }
  const breaksOf = (bastion: string, day: number): Beat[] => {
    const today = (ms: number) => Math.floor(ms / dayMs) === day
    return world.windows
      .filter((window) => window.bastion === bastion)
      .flatMap(({ from, to, status, detail }) => [
        ...(today(from) && status ? [{ at: from, status, detail }] : []),
        ...(today(to) ? [{ at: to, status: 'ok', detail: status ? 'started' : null }] : []),
      ])
  }
  const regular = (bastion: string, day: number): Beat[] => {
    const away = world.windows.filter((window) => window.bastion === bastion)
    const beats: Beat[] = []
    let until = 0
    for (let at = day * dayMs + (offsets.get(bastion) ?? 0); at < (day + 1) * dayMs; at += stepMs) {
      const moment = at + random.int(-4000, 4000)
      if (moment < until || away.some(({ from, to }) => moment > from && moment < to)) continue
      const near = away.some(({ from, to }) => moment > from - 25 * minuteMs && moment < to + 25 * minuteMs)
      if (!near && random.chance(0.0025)) {
        const lost = lose(bastion, moment)
        until = moment + (lost.length - 0.5) * stepMs
        beats.push(...lost)
        continue
      }
      beats.push({ at: moment, status: 'ok', detail: null })
      if (!near && random.chance(0.0002)) beats.push(...upgrade(bastion, moment))
    }
    return beats
  }
  const posture = (bastion: string, day: number) => {
    for (const check of ['password-authentication', 'mfa-required', 'root-login', 'recording-enforced', 'idle-timeout'])
      emit({
        kind: 'posture',
        at: day * dayMs + 6 * 60 * minuteMs + random.int(0, 90_000),
        source: 'posture',
        bastion,
        check,
        status: 'ok',
        detail: {},
      })
  }
  return (day: number) => {
    for (const { name: bastion, agent } of world.bastions) {
      for (const { at, status, detail } of [...breaksOf(bastion, day), ...regular(bastion, day)].sort(
        (a, b) => a.at - b.at,
      )) {
        const seq = (sequences.get(bastion) ?? 0) + 1
        sequences.set(bastion, seq)
        if (status)
          emit({
            kind: 'recorder_health',
            at,
            source: 'agent',
            bastion,
            status,
            agent,
            seq,
            spoolBytes: Math.round(random.logNormal(20_000, 1)),
            lagMs: random.int(1, 400),
            detail,
          })
      }
      posture(bastion, day)
    }
  }
}
