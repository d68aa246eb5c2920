import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { planRotationTickets, runServices } from './automation.ts'
import { bulkVariants } from './bulk-transfers.ts'
import { changePrivileges, migrate, monthEnd, planPrivilegedChanges } from './campaigns.ts'
import type { Context } from './context.ts'
import { liveDay } from './days.ts'
import { directoryOf } from './directory.ts'
import { privilegeVariants } from './escalations.ts'
import { authFailureVariants } from './failed-logins.ts'
import { successVariants } from './guessed-logins.ts'
import { createHealth } from './health.ts'
import type { Benign, DirectoryKind, Incident, Profile, World } from './model.ts'
import { newSourceVariants } from './new-sources.ts'
import { scan } from './noise.ts'
import { offHoursVariants } from './off-hours-logins.ts'
import { plantRule } from './planting.ts'
import { createRandom, type Random } from './random.ts'
import { gapVariants, silenceVariants } from './recording-gaps.ts'
import { createStream, type Emit } from './stream.ts'
import { createWorld } from './world.ts'
import { dayMs } from './zone.ts'

export type Quarter = { seed: string; profile: Profile; directory: DirectoryKind; people: number; days: number }
export type Labelled = {
  incidents: Incident[] // in order of time
  benign: Benign[]
  learningEndMs: number
  events: number
  sessions: number
  humanSessions: number
  unplaced: string[] // variants for which nobody and no day was fit
}

const learningDays = 30
const shortestDays = learningDays + 8
/** The counts of incidents are meant for a quarter. */
const scoredDays = 61

const plant = (context: Context, random: Random) => {
  const share = (context.world.days - learningDays) / scoredDays
  plantRule(context, random, 'recording-gap', silenceVariants, share)
  plantRule(context, random, 'recording-gap', gapVariants, share)
  plantRule(context, random, 'off-hours-login', offHoursVariants, share)
  plantRule(context, random, 'new-source-ip', newSourceVariants, share)
  plantRule(context, random, 'bulk-transfer', bulkVariants, share)
  plantRule(context, random, 'privilege-escalation', privilegeVariants, share)
  plantRule(context, random, 'auth-failures', authFailureVariants, share)
  plantRule(context, random, 'auth-success-after-failures', successVariants, share)
}

const live = (context: Context, random: Random, planting: Random, flushThrough: (day: number) => void) => {
  const { world } = context
  planRotationTickets(context, planting)
  const changes = planPrivilegedChanges(context, planting)
  const healthDay = createHealth(context, random.fork('health'))
  for (let day = world.firstDay - 1; day <= world.firstDay + world.days; day++) {
    const today = random.fork(`day ${day}`)
    for (const person of world.people) {
      const own = today.fork(person.user)
      liveDay(context, own, person, day)
      monthEnd(context, own, person, day)
      migrate(context, own, person, day)
      if (changes.some((change) => change.user === person.user && change.day === day))
        changePrivileges(context, own, person, day)
    }
    runServices(context, today.fork('services'), day)
    scan(context, today.fork('noise'), day)
    healthDay(day)
    flushThrough(day - 3)
  }
}

/** A recorder that is away carries nothing; what lies outside the quarter is cut off. */
const createGate = (world: World, startMs: number, endMs: number, into: Emit) => {
  const staff = new Set(world.people.map(({ user }) => user))
  let humanSessions = 0
  const emit: Emit = (draft) => {
    if (draft.at < startMs || draft.at >= endMs) return
    const fromRecorder = draft.kind === 'command' || draft.kind === 'file_transfer'
    const isAway = world.windows.some(
      ({ bastion, from, to }) => bastion === draft.bastion && draft.at > from && draft.at < to,
    )
    if (fromRecorder && isAway) return
    if (draft.kind === 'login' && typeof draft.user === 'string' && staff.has(draft.user)) humanSessions++
    into(draft)
  }
  return { emit, humanSessions: () => humanSessions }
}

/**
 * Writes events.ndjson (in order of arrival), directory.json, and what is known of them, labels.json and benign.json, into
 * `folder`. The events of a seed and profile are the same whatever the directory.
 */
export const generateQuarter = (quarter: Quarter, folder: string): Labelled => {
  const { seed, profile, directory, people, days } = quarter
  if (!(days >= shortestDays)) throw new RangeError(`days: ${shortestDays} at least, ${learningDays} are for learning`)
  mkdirSync(folder, { recursive: true })
  const random = createRandom(`${seed}/${profile}`)
  const world = createWorld(random.fork('world'), { people, days, profile })
  const stream = createStream(random.fork('stream'), join(folder, 'events.ndjson'))
  const startMs = world.firstDay * dayMs
  const endMs = startMs + days * dayMs
  const gate = createGate(world, startMs, endMs, stream.emit)
  const context: Context = {
    world,
    random: random.fork('life'),
    emit: gate.emit,
    incidents: [],
    benign: [],
    unplaced: [],
    seen: new Map(),
    busy: new Map(),
    directory,
  }
  const planting = random.fork('plant')
  plant(context, planting)
  live(context, random, planting, stream.flushThrough)
  const counts = stream.finish()
  const write = (name: string, value: unknown) => writeFileSync(join(folder, name), JSON.stringify(value))
  write('directory.json', directoryOf(context, random.fork('directory')))
  const incidents = context.incidents.toSorted((a, b) => a.fromMs - b.fromMs)
  const benign = context.benign.filter(({ fromMs, toMs }) => toMs >= startMs && fromMs < endMs)
  write('labels.json', incidents)
  write('benign.json', benign)
  return {
    incidents,
    benign,
    learningEndMs: startMs + learningDays * dayMs,
    events: [...counts.values()].reduce((sum, count) => sum + count, 0),
    sessions: counts.get('login') ?? 0,
    humanSessions: gate.humanSessions(),
    unplaced: context.unplaced,
  }
}
