import { randomBytes } from 'node:crypto'
import type { ExecutionContext } from 'ava'
import { v7 } from 'uuid'
import { actKeyOf, encodeAct } from '#services/custody/act-format.ts'
import { draftAct, type NewAct } from '#services/custody/write-act.ts'
import { leafOfObject } from '#services/proofs/leaf.ts'
import { buildEventBlock } from '#services/recordings/format/event-block.ts'
import { eventBlockKeyOf, eventPrefix, parseSessionKey } from '#services/recordings/format/evidence-keys.ts'
import { SessionId } from '#services/schema/ids.ts'
import { evidenceCorpus } from './evidence-corpus.ts'
import { evidenceLog, otherLeaves } from './evidence-log.ts'

const eventPlace = { busId: 'bus-1', topic: 'session-events', partition: 0 }
const atMs = Date.UTC(2026, 0, 31, 14)
export const actPerson = { did: 'requested' as const, name: 'carol', role: 'custodian' as const, id: 'token-1' }

export const eventBlockAt = (firstOffset: number): string =>
  eventBlockKeyOf(eventPrefix(eventPlace.busId, eventPlace.topic, eventPlace.partition), firstOffset)

/** One record; other bytes each time. */
export const eventBlock = (firstOffset: number): Uint8Array => {
  const event = { offset: firstOffset, atMs, id: `event-${firstOffset}`, keyId: 'bastion:b:2026-01-31' }
  return buildEventBlock(eventPlace, [{ ...event, key: Uint8Array.from(randomBytes(32)), value: Buffer.from('{}') }])
}

/**
 * The corpus with two blocks of events (of which the first has no leaf) and an act, and the log that knows of them: three
 * checkpoints, and first leaves of other things.
 */
export const loggedEvidence = async (t: ExecutionContext<unknown>, random: () => number, otherThings = 300) => {
  const corpus = await evidenceCorpus(t, random)
  const log = evidenceLog()
  const stored = new Map<string, Uint8Array>(corpus.objects)
  const act = (fields: NewAct): string => {
    const drafted = draftAct(fields, { now: () => atMs })
    const key = actKeyOf(drafted)
    stored.set(key, encodeAct(drafted, log.signer))
    return key
  }
  const leafOf = (kind: 'manifest' | 'events' | 'act', key: string) => leafOfObject(kind, key, stored.get(key)!)
  for (const offset of [0, 7]) stored.set(eventBlockAt(offset), eventBlock(offset))
  const manifests = [...corpus.objects.keys()].filter((key) => parseSessionKey(key)?.kind === 'manifest')
  const [first, ...others] = manifests
  await log.append([...otherLeaves(otherThings, random), leafOf('manifest', first!)])
  await log.append(others.map((key) => leafOf('manifest', key)))
  const sessionId = SessionId.parse(corpus.sessions[0]!.sessionId)
  const hold = act({ kind: 'hold', sessionId, holdId: v7(), reason: 'case 7', by: [actPerson] })
  await log.append([leafOf('events', eventBlockAt(7)), leafOf('act', hold)])
  return { ...corpus, log, stored, manifests, hold, act, leafOf }
}
export type LoggedEvidence = Awaited<ReturnType<typeof loggedEvidence>>
