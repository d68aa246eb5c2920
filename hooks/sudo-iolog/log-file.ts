import { create } from '@bufbuild/protobuf'
import { z } from 'zod'
import { endingOf, type FileEnding, type FileOpening, noRecording } from '#hooks/recorded-file.ts'
import { readCommandInfo } from '#hooks/sudo/command-info.ts'
import { openingOf } from '#hooks/sudo/opening.ts'
import {
  type InfoMessage,
  InfoMessage_StringListSchema,
  InfoMessageSchema,
} from '#services/schema/generated/log_server_pb.ts'

/** What `log.json` (sudo 1.9) or `log` (older, and beside it) says of a command: the keys are those of the protocol. */

export const format = 'sudo-iolog'
export type Logged = { opening: FileOpening; ending: FileEnding; isEndKnown: boolean }

const maxSeconds = 0xffff_ffff
const Time = z.object({
  seconds: z.number().int().min(0).max(maxSeconds),
  nanoseconds: z.number().int().min(0).max(999_999_999).default(0),
})
const Facts = z.looseObject({
  timestamp: Time.optional().catch(undefined),
  run_time: Time.optional().catch(undefined),
  exit_value: z.number().int().min(-0x8000_0000).max(0x7fff_ffff).optional().catch(undefined),
  signal: z.string().max(32).optional().catch(undefined),
  dumped_core: z.boolean().optional().catch(undefined),
})

type Value = InfoMessage['value']
const infoValue = (value: unknown): Value | null => {
  if (typeof value === 'string') return { case: 'strval', value }
  if (typeof value === 'number' && Number.isSafeInteger(value)) return { case: 'numval', value: BigInt(value) }
  const { data: strings } = z.array(z.string()).safeParse(value)
  return strings ? { case: 'strlistval', value: create(InfoMessage_StringListSchema, { strings }) } : null
}

const messagesOf = (facts: Record<string, unknown>): InfoMessage[] =>
  Object.entries(facts).flatMap(([key, value]) => {
    const known = infoValue(value)
    return known === null ? [] : [create(InfoMessageSchema, { key, value: known })]
  })

const opened = (facts: Record<string, unknown>, startedAtMs: number | null): FileOpening => {
  try {
    const { hook, ...opening } = openingOf(readCommandInfo(messagesOf(facts)), format, startedAtMs ?? 0)
    return { ...opening, startedAtMs }
  } catch (cause) {
    throw noRecording(format, (cause as Error).message, cause)
  }
}

const ns = ({ seconds, nanoseconds }: z.infer<typeof Time>): bigint =>
  BigInt(seconds) * 1_000_000_000n + BigInt(nanoseconds)

/** @throws BTZ_IMPORT_FAILED */
export const readLogJson = (text: string): Logged => {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (cause) {
    throw noRecording(format, 'log.json is no JSON', cause)
  }
  const { data: facts } = Facts.safeParse(json)
  if (!facts) throw noRecording(format, 'log.json is no object')
  const { timestamp, run_time: runTime, exit_value: exitCode, signal, dumped_core: dumpedCore } = facts
  const opening = opened(facts, timestamp ? Number(ns(timestamp) / 1_000_000n) : null)
  const ending = endingOf({
    exitCode: exitCode ?? null,
    signal: signal || null,
    dumpedCore: dumpedCore ?? false,
    runTimeNs: runTime ? ns(runTime) : null,
  })
  return { opening, ending, isEndKnown: exitCode !== undefined || signal !== undefined }
}

/** `time:user:runas user:runas group:tty[:lines:columns]`, the directory, the command. @throws BTZ_IMPORT_FAILED */
export const readLogText = (text: string): Logged => {
  const [first = '', cwd = '', command = ''] = text.split('\n')
  const [time = '', submituser = '', runuser = '', , ttyname = '', lines, columns] = first.split(':')
  if (!/^\d{1,10}$/.test(time) || submituser === '' || command === '')
    throw noRecording(format, 'its log has not the three lines of one')
  const words = command.split(' ')
  const facts = {
    submituser,
    runuser,
    ...(ttyname !== 'unknown' && { ttyname }),
    lines: Number(lines ?? 0),
    columns: Number(columns ?? 0),
    runcwd: cwd,
    command: words[0],
    runargv: words,
  }
  return { opening: opened(facts, Number(time) * 1000), ending: endingOf({}), isEndKnown: false }
}
